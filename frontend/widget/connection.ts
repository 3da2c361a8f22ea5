/** A line that comes back: handshake, heartbeat, jittered back-off, other ways where one is barred, and a reason when it may not. */

import { backoff } from "./backoff";
import { detour } from "./detour";
import type { ClientFrame, Position, ServerFrame } from "./frames";
import type { Line, OpenLine, Place } from "./line";
import { openSocket } from "./socket";

export type Link = "idle" | "connecting" | "online" | "offline" | "refused";

/** In the order in which they are tried; each does what the next does, only better. */
const WAYS: readonly OpenLine[] = [openSocket, detour("openStream"), detour("openPost")];
/** So often a way fails before the next is tried: once may be the server. */
const TRIES = 2;
const HANDSHAKE_MS = 10_000;
/** The server pings every 20 s; after 45 s of silence there is no line. */
const HEARTBEAT_MS = 25_000;
const PATIENCE_MS = 20_000;
const AWAKE_PATIENCE_MS = 5000;
const BUSY_ATTEMPT = 4;
const RESTARTING = 1012;
const RESTART_MS = 300;
const BETTER_MS = 5000;
const BETTER_AT_MOST_MS = 300_000;

interface Hooks {
  hello(): ClientFrame;
  received(frame: ServerFrame): void;
  changed(link: Link, code: number): void;
  /** The server does not accept what we are known by; true when it is worth trying as a stranger. */
  unknown(): boolean;
}

export class Connection {
  link: Link = "idle";
  readonly #place: Place;
  readonly #hooks: Hooks;
  readonly #ways: readonly OpenLine[];
  #way = 0;
  #failures = 0;
  #line: Line | undefined;
  #better: Line | undefined;
  #attempt = 0;
  #retry = 0;
  #watchdog = 0;
  #upgrade = 0;
  #betterMs = BETTER_MS;
  /** Until the welcome, what comes belongs to a place that is not ours. */
  #isAwaiting = false;

  constructor(place: Place, hooks: Hooks, ways = WAYS) {
    this.#place = place;
    this.#hooks = hooks;
    this.#ways = ways;
  }

  /** Whether it does all that the protocol has, or only what a fallback can. */
  get isWhole(): boolean {
    return this.#way === 0;
  }

  start = (): void => {
    if (this.#line || this.link === "refused") return;
    clearTimeout(this.#retry);
    if (this.link !== "offline") this.#change("connecting");
    this.#await();
    try {
      this.#line = this.#open(this.#way);
    } catch {
      this.#closed(0); // where an address cannot even be tried
    }
  };

  /** Tries at once, also after a refusal: a person asked for it. A line that seems to hold is asked whether it does. */
  again(): void {
    if (this.link === "refused") this.link = "idle";
    this.#attempt = 0;
    if (this.link === "online" && !this.#isAwaiting) this.#ping(AWAKE_PATIENCE_MS);
    else this.start();
  }

  /** Asks for what was missed; its answer is a welcome, and what comes before that is dropped. */
  resume(position: Position): void {
    this.#line?.send({ type: "resume", ...position });
    this.#await();
  }

  /** Says hello again on the same line: what we are known by has changed. */
  greet(): void {
    if (!this.#line) return;
    this.#line.send(this.#hooks.hello());
    this.#await();
  }

  /** Drops the line and soon says hello on another. */
  restart(): void {
    this.#lost();
  }

  stop(): void {
    this.#close();
    clearTimeout(this.#retry);
    this.link = "idle";
  }

  send(frame: ClientFrame): boolean {
    if (this.link !== "online") return false;
    this.#line?.send(frame);
    return true;
  }

  #open(way: number): Line {
    const open = this.#ways[way] as OpenLine;
    return open(this.#place, {
      opened: () => this.#line?.send(this.#hooks.hello()),
      received: (frame) => this.#received(frame),
      closed: (code) => this.#closed(code),
    });
  }

  #received(frame: ServerFrame): void {
    if (frame.type === "ping") this.#line?.send({ type: "pong" });
    if (frame.type === "welcome") this.#welcomed();
    if (this.#isAwaiting && frame.type !== "error") return;
    this.#watch(HEARTBEAT_MS, this.#ping);
    this.#hooks.received(frame);
  }

  #await(): void {
    this.#isAwaiting = true;
    this.#watch(HANDSHAKE_MS, () => {
      this.#failures = TRIES; // open, and yet silent: something in between swallows it
      this.#lost();
    });
  }

  #welcomed(): void {
    this.#attempt = this.#failures = 0;
    this.#isAwaiting = false;
    this.#change("online");
    this.#hope();
  }

  #ping = (patience = PATIENCE_MS): void => {
    this.#line?.send({ type: "ping" });
    this.#watch(patience, this.#lost);
  };

  #lost = (): void => {
    this.#close();
    this.#closed(0);
  };

  #closed(code: number): void {
    const wasAwaiting = this.#isAwaiting;
    this.#close();
    if (code === 4403 || code === 4404 || (code === 4401 && !this.#hooks.unknown()))
      return this.#change("refused", code);
    if (code === 4429) this.#attempt = Math.max(this.#attempt, BUSY_ATTEMPT);
    else if (wasAwaiting && code < 4000 && code !== RESTARTING) this.#failed();
    this.#retry = window.setTimeout(this.start, this.#pause(code));
    this.#change("offline", code);
  }

  /** The same way again; after some failures the next, and after the last the first. */
  #failed(): void {
    if (navigator.onLine === false || ++this.#failures < TRIES) return;
    this.#failures = 0;
    this.#way = (this.#way + 1) % this.#ways.length;
  }

  /** On a worse way, tries now and then whether the best is open meanwhile. */
  #hope(): void {
    clearTimeout(this.#upgrade);
    if (this.#way === 0) return;
    this.#upgrade = window.setTimeout(() => {
      this.#betterMs = Math.min(this.#betterMs * 2, BETTER_AT_MOST_MS);
      const tryAgain = () => this.#hope();
      this.#better = this.#ways[0]?.(this.#place, {
        opened: this.#improve,
        received: () => undefined,
        closed: tryAgain,
      });
    }, this.#betterMs);
  }

  #improve = (): void => {
    this.#better?.close();
    this.#way = this.#failures = this.#attempt = 0;
    this.#betterMs = BETTER_MS;
    this.#close();
    this.start();
  };

  /** A server that restarts has others beside it; only the first time is it taken at its word. */
  #pause(code: number): number {
    if (code === 4401) return 0;
    const attempt = this.#attempt++;
    return code === RESTARTING && attempt === 0 ? Math.random() * RESTART_MS : backoff(attempt);
  }

  #close(): void {
    clearTimeout(this.#watchdog);
    clearTimeout(this.#upgrade);
    this.#better?.close();
    this.#line?.close();
    this.#better = this.#line = undefined;
  }

  #watch(after: number, then: () => void): void {
    clearTimeout(this.#watchdog);
    this.#watchdog = window.setTimeout(then, after);
  }

  #change(link: Link, code = 0): void {
    this.link = link;
    this.#hooks.changed(link, code);
  }
}
