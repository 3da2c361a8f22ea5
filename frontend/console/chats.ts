import { byTestId, setText } from "./page";
import type { LatestChat, Sentiment } from "./snapshot";
import { showTime } from "./times";

export const SHAPES: Record<Sentiment, string> = { positive: "▲", neutral: "●", negative: "▼" };
const LABELS: Record<Sentiment, string> = { positive: "Positive", neutral: "Neutral", negative: "Negative" };

/** The latest chats, kept row by row: a row that stays is the same element, so nothing under the pointer jumps away. */
export class ChatList {
  readonly #body: HTMLElement;
  readonly #row: HTMLTemplateElement;
  readonly #address: string;

  constructor(body: HTMLElement, row: HTMLTemplateElement) {
    this.#body = body;
    this.#row = row;
    this.#address = body.dataset.address ?? "";
  }

  update(chats: readonly LatestChat[]): void {
    const rows = new Map(
      Array.from(this.#body.children, (row) => [(row as HTMLElement).dataset.chat, row as HTMLElement]),
    );
    chats.forEach((chat, index) => {
      const row = rows.get(chat.chat) ?? this.#create(chat.chat);
      rows.delete(chat.chat);
      fill(row, chat);
      if (this.#body.children[index] !== row) this.#move(row, index);
    });
    for (const row of rows.values()) if (!row.contains(document.activeElement)) row.remove();
  }

  /** Moving an element takes the keyboard's place away from it: that is given back. */
  #move(row: HTMLElement, index: number): void {
    const { activeElement } = document;
    this.#body.insertBefore(row, this.#body.children[index] ?? null);
    if (activeElement instanceof HTMLElement && row.contains(activeElement))
      activeElement.focus({ preventScroll: true });
  }

  #create(chat: string): HTMLElement {
    const row = this.#row.content.firstElementChild?.cloneNode(true) as HTMLElement;
    row.dataset.chat = chat;
    const link = row.querySelector("a");
    if (link) link.href = this.#address.replace(/0{8}-0{4}-0{4}-0{4}-0{12}/, encodeURIComponent(chat));
    return row;
  }
}

function fill(row: HTMLElement, chat: LatestChat): void {
  const preview = chat.preview || "No text";
  const link = row.querySelector("a");
  setText(link?.firstElementChild, preview);
  if (link) link.title = preview;
  setText(byTestId("chat-agent", row), chat.agent);
  setText(byTestId("chat-exchanges", row), String(chat.exchanges));
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
