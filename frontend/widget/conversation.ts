/** Keeps one conversation going: what is said here reaches the server once, whatever the line does. */

import { sha256 } from "./digest";
import type { ReplyEnd, ServerFrame, Thumb } from "./frames";
import { identifier } from "./identifier";
import { Memory } from "./memory";
import { type Exchange, isAnswering, isExpected } from "./reply";
import { Connection, type Link } from "./socket";
import { type Action, empty, fits, position, reduce, type Transcript } from "./transcript";

const TYPING_EVERY_MS = 3000;
const TYPING_LASTS_MS = 6000;
/** The page's own server did not sign this, or not for now. */
const BAD_IDENTITY = "bad_identity";
/** The reply had ended, or runs elsewhere: what is true is asked anew. */
const NOTHING_TO_STOP = "nothing_to_stop";

export interface Said {
  role: "visitor" | "agent" | "staff";
  text: string;
  exchange: string;
  name?: string;
}

interface Hooks {
  changed(): void;
  said(message: Said): void;
  happened(name: "handoff" | "resolved" | "identified", detail: Record<string, unknown>): void;
  failed(problem: { code: string; detail?: string }): void;
}

export class Conversation {
  state: Transcript = empty;
  code = 0;
  readonly #connection: Connection;
  readonly #memory: Memory;
  readonly #hooks: Hooks;
  readonly #inFlight = new Set<string>();
  readonly #doubted = new Set<number>();
  #jwt: string | undefined;
  #torn = "";
  #typedAt = Number.NEGATIVE_INFINITY;
  #quiet = 0;

  constructor(host: string, agent: string, hooks: Hooks) {
    this.#hooks = hooks;
    this.#memory = new Memory(agent);
    this.state = reduce(this.state, { type: "local.known", ...this.#memory.load() });
    const address = `${host.replace(/^http/, "ws")}/ws/chat/${encodeURIComponent(agent)}`;
    this.#connection = new Connection(address, {
      hello: () => {
        const resume = position(this.state);
        return { type: "hello", ...this.#proof(), ...(resume && { resume }) };
      },
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

  /** The page vouches for its visitor; until it is gone, or the token ends, they are this person on every device. */
  identify(jwt: string): void {
    if (jwt === this.#jwt) return;
    this.#jwt = jwt;
    this.#connection.greet();
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
    if (this.state.exchanges.some(isExpected)) this.#connection.send({ type: "reply.stop" });
  }

  askForPerson(): void {
    if (this.#connection.send({ type: "handoff.request" })) this.#dispatch({ type: "local.person" });
  }

  rate(exchange: number, value: Thumb): void {
    if (this.#connection.send({ type: "feedback", exchange, value }))
      this.#dispatch({ type: "local.rate", exchange, value });
  }

  /** The visitor is writing: worth a frame now and then while a person may be looking. */
  typed(): void {
    if (this.state.handledBy === "agent" || performance.now() - this.#typedAt < TYPING_EVERY_MS) return;
    if (this.#connection.send({ type: "typing" })) this.#typedAt = performance.now();
  }

  #received(frame: ServerFrame): void {
    if (frame.type === "error") return this.#refused(frame);
    if (!fits(this.state, frame)) return this.#heal();
    const before = this.state;
    this.#dispatch(frame);
    this.#tell(frame, before);
    if (frame.type === "welcome" && this.#jwt) this.#hooks.happened("identified", {});
    if (frame.type === "ack") this.#inFlight.delete(frame.client_message_id);
    if (frame.type === "ack" || frame.type === "welcome") this.#flush();
    if ("sha256" in frame) void this.#verify(frame);
  }

  #refused(frame: ServerFrame & { type: "error" }): void {
    this.#hooks.failed(frame);
    if (frame.code === BAD_IDENTITY) return this.#stranger();
    if (frame.code === NOTHING_TO_STOP) return this.#heal();
    this.#inFlight.delete(frame.client_message_id ?? "");
    this.#dispatch(frame);
    this.#flush();
  }

  #changed(link: Link, code: number): void {
    this.code = code;
    this.#inFlight.clear();
    if (link === "refused") this.#hooks.failed({ code: String(code) });
    this.#hooks.changed();
  }

  /** In the order they were written; the first alone, since it makes the chat. The server queues what comes while it answers. */
  #flush(): void {
    for (const { sending, key, request } of this.state.exchanges) {
      if (sending !== "pending" || this.#inFlight.has(key)) continue;
      if (this.state.chat === undefined && this.#inFlight.size) return;
      if (!this.#connection.send({ type: "message.send", client_message_id: key, text: request })) return;
      this.#inFlight.add(key);
    }
  }

  /** Goes on from what is sure; where that did not help, everything is fetched anew. */
  #heal(): void {
    const from = position(this.state);
    const torn = JSON.stringify(from);
    if (from && torn !== this.#torn) {
      this.#torn = torn;
      return this.#connection.resume(from);
    }
    this.#torn = "";
    this.#dispatch({ type: "local.refetch" });
    this.#connection.restart();
  }

  /** Once a reply: whether its text is the server's, to the letter; if not, its end is asked for again, which brings the text. */
  async #verify({ exchange, epoch, seq, sha256: expected }: ReplyEnd): Promise<void> {
    const text = this.#find(exchange)?.response;
    const found = expected && text !== undefined && (await sha256(text));
    const now = this.#find(exchange);
    if (!found || found === expected || now?.response !== text || now?.epoch !== epoch) return;
    if (this.#doubted.has(exchange)) return;
    this.#doubted.add(exchange);
    this.#dispatch(seq ? { type: "local.rewind", to: seq - 1 } : { type: "local.refetch" });
    this.#heal();
  }

  #tell(frame: ServerFrame, before: Transcript): void {
    if (frame.type === "handoff") this.#hooks.happened("handoff", { ...aboutWho(frame), state: frame.state });
    if (frame.type === "resolved") this.#hooks.happened("resolved", { by: frame.by });
    if (frame.type === "typing") this.#awaitQuiet();
    if (frame.type === "ack" || frame.type === "message") return this.#tellMessage(frame.exchange, before);
    if (frame.type !== "reply.completed") return;
    const wasAnswering = before.exchanges.some((old) => old.id === frame.exchange && isAnswering(old));
    const text = this.#find(frame.exchange)?.response;
    if (wasAnswering && text !== undefined)
      this.#hooks.said({ role: "agent", text, exchange: String(frame.exchange) });
  }

  /** Once each: an acknowledged message comes again as itself. */
  #tellMessage(id: number, before: Transcript): void {
    const one = this.#find(id);
    if (!one || before.exchanges.some((old) => old.id === id)) return;
    const exchange = String(id);
    if (one.staff === undefined) this.#hooks.said({ role: "visitor", text: one.request, exchange });
    else this.#hooks.said({ role: "staff", text: one.response, exchange, name: one.staff });
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = window.setTimeout(() => this.#dispatch({ type: "local.quiet" }), TYPING_LASTS_MS);
  }

  #find(id: number): Exchange | undefined {
    return this.state.exchanges.find((one) => one.id === id);
  }

  #dispatch(action: Action): void {
    const { token, chat } = this.state;
    this.state = reduce(this.state, action);
    if (token !== this.state.token || chat !== this.state.chat)
      this.#memory.save(this.#jwt ? {} : this.#known());
    this.#hooks.changed();
  }

  /** Goes on as somebody whom nobody vouches for. */
  #stranger(): void {
    this.#jwt = undefined;
    this.#connection.greet();
  }

  #proof(): { token?: string; jwt?: string; chat?: string } {
    const { chat } = this.state;
    return this.#jwt ? { jwt: this.#jwt, ...(chat && { chat }) } : this.#known();
  }

  #known(): { token?: string; chat?: string } {
    const { token, chat } = this.state;
    return token ? { token, ...(chat && { chat }) } : {};
  }

  #forget(): boolean {
    const wasKnown = this.state.token !== undefined;
    if (this.#jwt) this.#hooks.failed({ code: BAD_IDENTITY });
    this.#jwt = undefined;
    this.#dispatch({ type: "local.forget" });
    return wasKnown;
  }
}

const aboutWho = ({ by, name }: { by: string; name?: string | null }): Record<string, unknown> => ({
  by,
  ...(name && { name }),
});
