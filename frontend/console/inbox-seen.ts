/** Which chats were looked at since they last changed, in this browser. */

const KEPT = 500;

export class Seen {
  readonly #store: Pick<Storage, "getItem" | "setItem"> | undefined;
  readonly #name: string;
  #at = new Map<string, string>();

  constructor(owner: string, store: Pick<Storage, "getItem" | "setItem"> | undefined) {
    this.#store = store;
    this.#name = `chatwithus-seen-${owner}`;
    try {
      this.#at = new Map(JSON.parse(store?.getItem(this.#name) ?? "[]"));
    } catch {
      // What cannot be read is not ours.
    }
  }

  has(chat: string, lastAt: string): boolean {
    return (this.#at.get(chat) ?? "") >= lastAt;
  }

  look(chat: string, lastAt: string): void {
    if (this.has(chat, lastAt)) return;
    this.#at.delete(chat);
    this.#at.set(chat, lastAt);
    const kept = Array.from(this.#at).slice(-KEPT);
    this.#at = new Map(kept);
    try {
      this.#store?.setItem(this.#name, JSON.stringify(kept));
    } catch {
      // A full or forbidden storage costs the mark alone.
    }
  }
}
