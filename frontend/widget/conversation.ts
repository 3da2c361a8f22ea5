/** Keeps one conversation going: what is said here reaches the server once, whatever the line does. */

import type { ServerFrame } from "./frames";
import { identifier } from "./identifier";
import { Memory } from "./memory";
import { Connection, type Link } from "./socket";
import { type Action, type Exchange, hasGap, isAnswering, reduce, type Transcript } from "./transcript";

const STOP_PATIENCE_MS = 3000;
/** The reply had ended, or runs elsewhere: what is true is asked anew. */
const NOTHING_TO_STOP = "nothing_to_stop";

export interface Said {
  role: "visitor" | "agent";
  text: string;
  exchange: string;
}

interface Hooks {
  changed(): void;
  said(message: Said): void;
  failed(problem: { code: string; detail?: string }): void;
}

export class Conversation {
  state: Transcript = { exchanges: [] };
  code = 0;
  readonly #connection: Connection;
  readonly #memory: Memory;
  readonly #hooks: Hooks;
  readonly #healed = new Set<string>();
  #inFlight: string | undefined;

  constructor(host: string, agent: string, hooks: Hooks) {
    this.#hooks = hooks;
    this.#memory = new Memory(agent);
    this.state = reduce(this.state, { type: "local.known", ...this.#memory.load() });
    const address = `${host.replace(/^http/, "ws")}/ws/chat/${encodeURIComponent(agent)}`;
    this.#connection = new Connection(address, {
      hello: () => ({ type: "hello", ...this.#known() }),
      received: (frame) => this.#received(frame),
      changed: (link, code) => this.#changed(link, code),
      unknown: () => this.#forget(),
    });
  }

  get link(): Link {
    return this.#connection.link;
  }

  start(): void {
    this.#connection.start();
  }

  /** Tries the line at once, when the device says it may work again or the visitor asks. */
  again = (): void => {
    if (this.link !== "idle") this.#connection.again();
  };

  end(): void {
    this.#connection.stop();
  }

  send(text: string): void {
    this.start();
    this.#dispatch({ type: "local.send", key: identifier(), text });
    this.#flush();
  }

  /** What never arrived is sent again under its own name; a failed answer is asked for anew. */
  retry(exchange: Exchange): void {
    if (exchange.sending !== "failed") return this.send(exchange.request);
    this.#dispatch({ type: "local.retry", key: exchange.key });
    this.#flush();
  }

  stop(): void {
    const running = this.state.exchanges.find(isAnswering);
    if (!running?.id || !this.#connection.send({ type: "reply.stop" })) return;
    const { id } = running;
    window.setTimeout(() => {
      this.#dispatch({ type: "local.stop", id });
      this.#flush();
    }, STOP_PATIENCE_MS);
  }

  #received(frame: ServerFrame): void {
    if (frame.type === "error") return this.#refused(frame);
    const before = this.state;
    this.#dispatch(frame);
    this.#tell(frame, before);
    if (frame.type === "ack") this.#inFlight = undefined;
    this.#heal();
    if (frame.type !== "reply.delta") this.#flush();
  }

  /** An error without a name is about the message under way; without one, about nothing the visitor could mend. */
  #refused(frame: ServerFrame & { type: "error" }): void {
    this.#hooks.failed(frame);
    if (frame.code === NOTHING_TO_STOP) return this.#connection.restart();
    const named = frame.client_message_id ?? this.#inFlight;
    this.#inFlight = undefined;
    this.#dispatch(named ? { ...frame, client_message_id: named } : frame);
    this.#flush();
  }

  #changed(link: Link, code: number): void {
    this.code = code;
    if (link !== "connecting") this.#inFlight = undefined;
    if (link === "online") this.#flush();
    if (link === "refused") this.#hooks.failed({ code: String(code) });
    this.#hooks.changed();
  }

  /** One message at a time, in the order they were written, and none while an answer runs. */
  #flush(): void {
    if (this.#inFlight || this.state.exchanges.some(isAnswering)) return;
    const next = this.state.exchanges.find((one) => one.sending === "pending");
    if (!next) return;
    const frame = { type: "message.send", client_message_id: next.key, text: next.request } as const;
    if (this.#connection.send(frame)) this.#inFlight = next.key;
  }

  #heal(): void {
    const torn = this.state.exchanges.find((one) => hasGap(one) && !this.#healed.has(one.key));
    if (!torn) return;
    this.#healed.add(torn.key);
    this.#connection.restart();
  }

  #tell(frame: ServerFrame, before: Transcript): void {
    if (frame.type !== "ack" && frame.type !== "reply.completed") return;
    const exchange = String(frame.exchange);
    const one = this.state.exchanges.find(({ id }) => id === exchange);
    if (!one) return;
    if (frame.type === "ack") {
      if (!before.exchanges.some(({ id }) => id === exchange))
        this.#hooks.said({ role: "visitor", text: one.request, exchange });
    } else if (before.exchanges.some((old) => old.id === exchange && isAnswering(old))) {
      this.#hooks.said({ role: "agent", text: one.response, exchange });
    }
  }

  #dispatch(action: Action): void {
    const { token, chat } = this.state;
    this.state = reduce(this.state, action);
    if (token !== this.state.token || chat !== this.state.chat) this.#memory.save(this.#known());
    this.#hooks.changed();
  }

  #known(): { token?: string; chat?: string } {
    const { token, chat } = this.state;
    return token ? { token, ...(chat && { chat }) } : {};
  }

  #forget(): boolean {
    const wasKnown = this.state.token !== undefined;
    this.#dispatch({ type: "local.forget" });
    return wasKnown;
  }
}
