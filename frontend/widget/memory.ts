/** What this browser keeps of a conversation; for this page only where it refuses storage. */

import type { Appearance } from "./frames";

export interface Unsent {
  key: string;
  text: string;
  /** The server would not have it, or could not. */
  failed?: boolean;
}

export interface Remembered {
  token?: string;
  chat?: string;
  draft?: string;
  unsent?: Unsent[];
  /** Somebody will answer: worth listening on the next page too, before anything is opened. */
  isAwaited?: boolean;
  appearance?: Appearance;
}

const isText = (value: unknown): value is string => typeof value === "string" && value !== "";
const isUnsent = (one: Partial<Unsent> | null): one is Unsent => isText(one?.key) && isText(one?.text);

export class Memory {
  readonly #key: string;
  #kept: Remembered | undefined;

  constructor(agent: string) {
    this.#key = `chatwithus:${agent}`;
  }

  load(): Remembered {
    try {
      this.#kept = sound(JSON.parse(localStorage.getItem(this.#key) ?? "{}"));
    } catch {
      // Private windows and sandboxed pages: the conversation lasts as long as the page.
    }
    return this.#kept ?? {};
  }

  /** Changes these and keeps the rest, which another tab may have written; undefined forgets. */
  save(changes: { [K in keyof Remembered]?: Remembered[K] | undefined }): void {
    const all = { ...this.load(), ...changes };
    this.#kept = sound(all);
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#kept));
    } catch {
      // As above.
    }
  }

  forget(): void {
    this.#kept = {};
    try {
      localStorage.removeItem(this.#key);
    } catch {
      // As above.
    }
  }
}

/** Other scripts of the page, and older versions of this one, write here too. */
function sound(kept: { [K in keyof Remembered]?: Remembered[K] | undefined } | null): Remembered {
  const { token, chat, draft, unsent, isAwaited, appearance } = kept ?? {};
  const waiting = Array.isArray(unsent) ? unsent.filter(isUnsent) : [];
  return {
    ...(isText(token) && { token }),
    ...(isText(chat) && { chat }),
    ...(isText(draft) && { draft }),
    ...(waiting.length && { unsent: waiting }),
    ...(isAwaited === true && { isAwaited }),
    ...(appearance && typeof appearance === "object" && { appearance }),
  };
}
