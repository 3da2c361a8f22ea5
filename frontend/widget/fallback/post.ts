import type { PastExchange } from "../frames";
import type { OpenLine } from "../line";
import { HttpLine, type Send } from "./http";

const SOON_MS = 1500;
const LATER_MS = 10_000;

interface Page {
  handled_by: "agent" | "waiting" | "staff";
  messages: PastExchange[];
  next_cursor: string | null;
}

/** Where nothing can be streamed: each answer arrives whole, and the chat is asked for again and again. */
class Post extends HttpLine {
  #timer = 0;
  #seen = "";

  override close(): void {
    super.close();
    clearTimeout(this.#timer);
  }

  protected override async follow(): Promise<void> {
    this.#seen = "";
    await this.#look();
  }

  protected override async ask(message: Send): Promise<void> {
    try {
      const answer = await this.request("/chat", { ...this.question(message), stream: false });
      this.chat = (await answer.json()).session_id;
    } finally {
      if (this.chat) await this.#look();
    }
  }

  /** The whole chat, told only where something changed. */
  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const { handled_by, messages } = await this.#read();
    const seen = JSON.stringify([handled_by, messages]);
    if (seen === this.#seen) this.hear({ type: "pong" });
    else this.welcome({ chat: this.chat ?? null, handled_by, messages });
    this.#seen = seen;
    const isLive = handled_by !== "agent" || messages.some(({ state }) => /queued|running/.test(state));
    if (this.isClosed) return;
    this.#timer = window.setTimeout(
      () => this.#look().catch(() => this.isClosed || this.ears.closed(0)),
      isLive ? SOON_MS : LATER_MS,
    );
  }

  async #read(): Promise<Page> {
    const messages: PastExchange[] = [];
    for (let cursor = ""; ; ) {
      const answer = await this.request(`/chats/${this.chat}?limit=100${cursor && `&cursor=${cursor}`}`);
      const page: Page = await answer.json();
      messages.push(...page.messages);
      cursor = page.next_cursor ?? "";
      if (!cursor) return { ...page, messages };
    }
  }
}

export const openPost: OpenLine = (place, ears) => new Post(place, ears);
