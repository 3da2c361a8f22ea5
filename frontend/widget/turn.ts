/** A chat is begun by one tab of a site at a time, so that the next one finds it. */

/** So long another tab may take; then two chats are better than none. */
const PATIENCE_MS = 5000;
/** What the tab before has told is heard by then. */
const NEWS_MS = 300;

export class Turn {
  readonly #name: string;
  readonly #came: () => void;
  #end: (() => void) | undefined;
  #isAsked = false;

  constructor(agent: string, came: () => void) {
    this.#name = `chatwithus:${agent}`;
    this.#came = came;
  }

  /** Otherwise it is asked for, and told when it has come. */
  get isMine(): boolean {
    if (!this.#end && !this.#isAsked) void this.#ask();
    return this.#end !== undefined;
  }

  /** The chat is there, or nothing came of it. */
  end(): void {
    this.#end?.();
    this.#end = undefined;
  }

  async #ask(): Promise<void> {
    this.#isAsked = true;
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const { locks } = navigator;
    try {
      const isFree = await locks.request(this.#name, { ifAvailable: true }, (lock) => lock && this.#have(0));
      if (isFree === null) await locks.request(this.#name, { signal }, () => this.#have(NEWS_MS));
    } catch {
      await this.#have(0); // no locks here, or none in time
    }
    this.#isAsked = false;
  }

  #have(after: number): Promise<void> {
    setTimeout(this.#came, after);
    return new Promise((end) => {
      this.#end = end;
    });
  }
}
