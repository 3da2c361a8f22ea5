/** Answers and notes that the server has not confirmed: they outlive a cut line and a reload, in this tab alone. */

export type Kind = "answer" | "note";

export interface Unsent {
  kind: Kind;
  chat: string;
  key: string;
  text: string;
  at: string;
  /** Why the server refused it; absent while it is on its way. */
  problem?: string;
}

type Store = Pick<Storage, "getItem" | "setItem">;

export class Outbox {
  #items: readonly Unsent[] = [];
  #drafts: Readonly<Record<string, string>> = {};
  readonly #store: Store | undefined;
  readonly #name: string;

  /** `owner` names who signed in, so that nobody sends what somebody else wrote in the same tab. */
  constructor(owner: string, store: Store | undefined) {
    this.#store = store;
    this.#name = `chatwithus-inbox-${owner}`;
    try {
      const kept = JSON.parse(store?.getItem(this.#name) ?? "{}");
      this.#items = kept.items ?? [];
      this.#drafts = kept.drafts ?? {};
    } catch {
      // What cannot be read is not ours.
    }
  }

  of(chat: string): readonly Unsent[] {
    return this.#items.filter((one) => one.chat === chat);
  }

  /** Whether something was refused in a chat, which its writer may not have seen. */
  hasRefused(chat: string): boolean {
    return this.of(chat).some(({ problem }) => problem !== undefined);
  }

  /** In the order in which they were written. */
  get due(): readonly Unsent[] {
    return this.#items.filter(({ problem }) => problem === undefined);
  }

  add(item: Unsent): void {
    this.#keep([...this.#items, item]);
  }

  /** The server has it, or its writer gave it up. */
  drop(key: string): Unsent | undefined {
    const found = this.#items.find((one) => one.key === key);
    if (found) this.#keep(this.#items.filter((one) => one !== found));
    return found;
  }

  refuse(key: string, problem: string): void {
    this.#keep(this.#items.map((one) => (one.key === key ? { ...one, problem } : one)));
  }

  retry(key: string): Unsent | undefined {
    this.#keep(
      this.#items.map((one) => {
        if (one.key !== key) return one;
        const { problem: _, ...fresh } = one;
        return fresh;
      }),
    );
    return this.#items.find((one) => one.key === key);
  }

  draft(kind: Kind, chat: string): string {
    return this.#drafts[`${kind} ${chat}`] ?? "";
  }

  sketch(kind: Kind, chat: string, text: string): void {
    const { [`${kind} ${chat}`]: _, ...others } = this.#drafts;
    this.#drafts = text ? { ...others, [`${kind} ${chat}`]: text } : others;
    this.#keep(this.#items);
  }

  #keep(items: readonly Unsent[]): void {
    this.#items = items;
    try {
      this.#store?.setItem(this.#name, JSON.stringify({ items, drafts: this.#drafts }));
    } catch {
      // A full or forbidden storage costs the reload, not the message.
    }
  }
}
