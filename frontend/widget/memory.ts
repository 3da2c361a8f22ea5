/** What a returning visitor is known by; kept for this page only where the browser refuses storage. */

export interface Remembered {
  token?: string;
  chat?: string;
}

const text = (value: unknown): value is string => typeof value === "string" && value !== "";

export class Memory {
  readonly #key: string;
  #fallback: Remembered = {};

  constructor(agent: string) {
    this.#key = `chatwithus:${agent}`;
  }

  load(): Remembered {
    try {
      const { token, chat } = JSON.parse(localStorage.getItem(this.#key) ?? "{}");
      return { ...(text(token) && { token }), ...(text(chat) && { chat }) };
    } catch {
      return this.#fallback;
    }
  }

  save(remembered: Remembered): void {
    this.#fallback = remembered;
    try {
      localStorage.setItem(this.#key, JSON.stringify(remembered));
    } catch {
      // Private windows and sandboxed pages: the conversation lasts as long as the page.
    }
  }
}
