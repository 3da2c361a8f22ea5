import { copyOf, Keyed } from "./keyed";
import { byTestId, setText } from "./page";
import type { LatestChat, Sentiment, Verdict } from "./snapshot";
import { showTime } from "./times";

export const SHAPES: Record<Sentiment, string> = { positive: "▲", neutral: "●", negative: "▼" };
const LABELS: Record<Sentiment, string> = { positive: "Positive", neutral: "Neutral", negative: "Negative" };

const DOUBTS: Partial<Record<Verdict, string>> = {
  partly: "Says more than the sources",
  unsupported: "Not in the sources",
};

/** The latest chats, kept row by row. */
export class ChatList {
  readonly #rows: Keyed<LatestChat>;

  constructor(body: HTMLElement) {
    const address = body.dataset.address ?? "";
    const create = ({ chat }: LatestChat) => {
      const row = copyOf("chat-row");
      row.dataset.chat = chat;
      const link = row.querySelector("a");
      if (link) link.href = address.replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, encodeURIComponent(chat));
      return row;
    };
    this.#rows = new Keyed(body, ({ chat }) => chat, create, fill);
  }

  update(chats: readonly LatestChat[]): void {
    this.#rows.update(chats);
  }
}

function fill(row: HTMLElement, chat: LatestChat): void {
  const preview = chat.preview || "No text";
  const link = row.querySelector("a");
  setText(link?.firstElementChild, preview);
  if (link) link.title = preview;
  setText(byTestId("chat-agent", row), chat.agent);
  setText(byTestId("chat-exchanges", row), String(chat.exchanges));
  const doubt = byTestId("chat-grounded", row);
  setText(doubt, (chat.grounded && DOUBTS[chat.grounded]) ?? "");
  const feeling = byTestId("chat-sentiment", row);
  if (feeling) {
    feeling.dataset.sentiment = chat.sentiment ?? "";
    feeling.title = chat.cause ?? "";
    setText(feeling.querySelector("[data-shape]"), chat.sentiment ? SHAPES[chat.sentiment] : "");
    setText(
      feeling.querySelector("[data-label]"),
      chat.sentiment ? LABELS[chat.sentiment] : "Not scored yet",
    );
    setText(feeling.querySelector("[data-cause]"), chat.cause ?? "");
  }
  const time = row.querySelector("time");
  if (!time) return;
  time.dateTime = chat.last_at;
  showTime(time);
}
