import type { PastExchange, Welcome } from "../frames";
import type { OpenLine } from "../line";
import { HttpLine, type Send } from "./http";

const SOON_MS = 1500;
const LATER_MS = 10_000;

type Told = Required<
  Pick<Welcome, "handled_by" | "name" | "resolved" | "queue" | "csat" | "has_email" | "messages">
>;
type Page = Told & { next_cursor: string | null };

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
    await this.introduced();
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

  protected override done(): Promise<void> {
    return this.#look();
  }

  /** The whole chat, told only where something changed. */
  async #look(): Promise<void> {
    clearTimeout(this.#timer);
    const told = await this.#read();
    const { handled_by, messages } = told;
    const seen = JSON.stringify(told);
    if (seen === this.#seen) this.hear({ type: "pong" });
    else this.welcome({ chat: this.chat ?? null, ...told });
    this.#seen = seen;
    const isLive = handled_by !== "agent" || messages.some(({ state }) => /queued|running/.test(state));
    if (this.isClosed) return;
    clearTimeout(this.#timer); // another look may have ended meanwhile
    this.#timer = window.setTimeout(
      () => this.#look().catch(() => this.isClosed || this.ears.closed(0)),
      isLive ? SOON_MS : LATER_MS,
    );
  }

  async #read(): Promise<Told> {
    const messages: PastExchange[] = [];
    for (let cursor = ""; ; ) {
      const answer = await this.request(`/chats/${this.chat}?limit=100${cursor && `&cursor=${cursor}`}`);
      const page: Page = await answer.json();
      messages.push(...page.messages);
      cursor = page.next_cursor ?? "";
      const { handled_by, name, resolved, queue, csat, has_email } = page;
      if (!cursor) return { handled_by, name, resolved, queue, csat, has_email, messages };
    }
  }
}

export const openPost: OpenLine = (place, ears) => new Post(place, ears);
