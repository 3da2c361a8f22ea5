/** One WebSocket that comes back: handshake, heartbeat, jittered back-off, and a reason when it may not. */

import { backoff } from "./backoff";
import type { ClientFrame, ServerFrame } from "./frames";

export type Link = "idle" | "connecting" | "online" | "offline" | "refused";

const HANDSHAKE_MS = 10_000;
const HEARTBEAT_MS = 25_000;
const PATIENCE_MS = 10_000;
const BUSY_ATTEMPT = 4;

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

  /** Tries at once, also after a refusal: a person asked for it. */
  again(): void {
    if (this.link === "refused") this.link = "idle";
    this.#attempt = 0;
    this.start();
  }

  /** Drops the socket and fetches a fresh welcome. */
  restart(): void {
    this.#close();
    this.start();
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
    this.#watch(HANDSHAKE_MS, this.#lost);
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
    if (frame.type === "welcome") {
      this.#attempt = 0;
      this.link = "online";
    }
    this.#hooks.received(frame);
    if (frame.type === "welcome") this.#hooks.changed("online", 0);
    if (this.link === "online") this.#watch(HEARTBEAT_MS, this.#ping);
  }

  #ping = (): void => {
    this.#write({ type: "ping" });
    this.#watch(PATIENCE_MS, this.#lost);
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
    this.#retry = window.setTimeout(this.start, code === 4401 ? 0 : backoff(this.#attempt++));
    this.#change("offline", code);
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
