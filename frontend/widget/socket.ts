/** One WebSocket that comes back: handshake, heartbeat, jittered back-off, and a reason when it may not. */

import { backoff } from "./backoff";
import type { ClientFrame, Position, ServerFrame } from "./frames";

export type Link = "idle" | "connecting" | "online" | "offline" | "refused";

const HANDSHAKE_MS = 10_000;
/** The server pings every 20 s; after 45 s of silence there is no line. */
const HEARTBEAT_MS = 25_000;
const PATIENCE_MS = 20_000;
const AWAKE_PATIENCE_MS = 5000;
const BUSY_ATTEMPT = 4;
const RESTARTING = 1012;
const RESTART_MS = 300;

interface Hooks {
  hello(): ClientFrame;
  received(frame: ServerFrame): void;
  changed(link: Link, code: number): void;
  /** The server does not accept what we are known by; true when it is worth trying as a stranger. */
  unknown(): boolean;
}

export class Connection {
  link: Link = "idle";
  readonly #url: string;
  readonly #hooks: Hooks;
  #socket: WebSocket | undefined;
  #attempt = 0;
  #retry = 0;
  #watchdog = 0;
  /** Until the welcome, what comes belongs to a place that is not ours. */
  #isAwaiting = false;

  constructor(url: string, hooks: Hooks) {
    this.#url = url;
    this.#hooks = hooks;
  }

  start = (): void => {
    if (this.#socket || this.link === "refused") return;
    clearTimeout(this.#retry);
    if (this.link !== "offline") this.#change("connecting");
    try {
      this.#listen(new WebSocket(this.#url));
    } catch {
      this.#closed(0); // a content security policy without our host throws here
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
    this.#write({ type: "resume", ...position });
    this.#await();
  }

  /** Says hello again on the same line: what we are known by has changed. */
  greet(): void {
    if (!this.#socket) return;
    this.#write(this.#hooks.hello());
    this.#await();
  }

  /** Drops the socket and soon says hello on another. */
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
    this.#write(frame);
    return true;
  }

  #listen(socket: WebSocket): void {
    this.#socket = socket;
    this.#await();
    socket.onopen = () => this.#write(this.#hooks.hello());
    socket.onmessage = ({ data }) => this.#received(data);
    socket.onclose = ({ code }) => this.#closed(code);
  }

  #received(data: unknown): void {
    let frame: ServerFrame;
    try {
      frame = JSON.parse(String(data));
    } catch {
      return;
    }
    if (frame.type === "ping") this.#write({ type: "pong" });
    if (frame.type === "welcome") this.#welcomed();
    if (this.#isAwaiting && frame.type !== "error") return;
    this.#watch(HEARTBEAT_MS, this.#ping);
    this.#hooks.received(frame);
  }

  #await(): void {
    this.#isAwaiting = true;
    this.#watch(HANDSHAKE_MS, this.#lost);
  }

  #welcomed(): void {
    this.#attempt = 0;
    this.#isAwaiting = false;
    this.#change("online");
  }

  #ping = (patience = PATIENCE_MS): void => {
    this.#write({ type: "ping" });
    this.#watch(patience, this.#lost);
  };

  #lost = (): void => {
    this.#close();
    this.#closed(0);
  };

  #closed(code: number): void {
    this.#close();
    if (code === 4403 || code === 4404 || (code === 4401 && !this.#hooks.unknown()))
      return this.#change("refused", code);
    if (code === 4429) this.#attempt = Math.max(this.#attempt, BUSY_ATTEMPT);
    this.#retry = window.setTimeout(this.start, this.#pause(code));
    this.#change("offline", code);
  }

  /** A server that restarts has others beside it; only the first time is it taken at its word. */
  #pause(code: number): number {
    if (code === 4401) return 0;
    const attempt = this.#attempt++;
    return code === RESTARTING && attempt === 0 ? Math.random() * RESTART_MS : backoff(attempt);
  }

  #close(): void {
    clearTimeout(this.#watchdog);
    if (!this.#socket) return;
    this.#socket.onopen = this.#socket.onmessage = this.#socket.onclose = null;
    this.#socket.close();
    this.#socket = undefined;
  }

  #write(frame: ClientFrame): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ v: 1, ...frame }));
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
