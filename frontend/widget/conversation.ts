/** Keeps one conversation going: what is said here reaches the server once, whatever the line does. */

import { Connection, type Link } from "./connection";
import { sha256 } from "./digest";
import type { ClientFrame, Facts, Offer, ReplyEnd, ServerFrame, Thumb } from "./frames";
import { identifier } from "./identifier";
import { Keeping } from "./keeping";
import { type Exchange, isExpected } from "./reply";
import { type Page, report } from "./report";
import type { News } from "./tabs";
import {
  type Action,
  empty,
  find,
  fits,
  isPassing,
  type Owed,
  position,
  reduce,
  type Transcript,
} from "./transcript";
import { Turn } from "./turn";

const TYPING_EVERY_MS = 3000;
const TYPING_LASTS_MS = 6000;
/** The page's own server did not sign this, or not for now. */
const BAD_IDENTITY = "bad_identity";
/** The reply had ended, or runs elsewhere: what is true is asked anew. */
const NOTHING_TO_STOP = "nothing_to_stop";
/** The chat was forgotten meanwhile: what is to be said is said in another. */
const NO_SUCH_CHAT = "no_such_chat";
/** This server does not know what was said to it: an older one, and nothing of the visitor's is lost. */
const UNKNOWN_TYPE = "unknown_type";
/** The version of the protocol that is spoken here. */
const VERSION = 1;
const AGAIN_MS = 2000;

interface Hooks extends Page {
  changed(): void;
  /** Another tab showed the visitor what there is. */
  read(): void;
  failed(problem: { code: string; detail?: string }): void;
}

export class Conversation {
  state: Transcript = empty;
  code = 0;
  readonly #connection: Connection;
  readonly #keeping: Keeping;
  readonly #turn: Turn;
  readonly #hooks: Hooks;
  readonly #inFlight = new Set<string>();
  readonly #doubted = new Set<number>();
  #jwt: string | undefined;
  /** By which the server knows who this is. */
  #vouched: string | undefined;
  #facts: { context?: Facts; attributes?: Facts } = {};
  #isFresh = false;
  #torn = "";
  #typedAt = Number.NEGATIVE_INFINITY;
  #quiet = 0;
  #later = 0;

  constructor(host: string, agent: string, hooks: Hooks) {
    this.#hooks = hooks;
    this.#keeping = new Keeping(agent);
    this.#turn = new Turn(agent, this.#proceed);
    this.state = this.#keeping.recall();
    this.#connection = new Connection(
      { host, agent },
      {
        hello: () => this.#hello(),
        received: (frame) => this.#received(frame),
        changed: (link, code) => this.#changed(link, code),
        unknown: () => this.#forget(),
      },
    );
  }

  get link(): Link {
    return this.#connection.link;
  }

  /** What the server offers, on this line. */
  offers(offer: Offer): boolean {
    return this.state.offers.includes(offer);
  }

  get canStop(): boolean {
    return this.link === "online" && (this.#connection.isWhole || this.offers("frames"));
  }

  /** Identified visitors are told their last chat again, unless the server offers to begin anew. */
  get canBegin(): boolean {
    return this.#jwt === undefined || this.offers("fresh");
  }

  get draft(): string {
    return this.#keeping.draft;
  }

  set draft(text: string) {
    this.#keeping.draft = text;
  }

  start(): void {
    this.#keeping.listen(this.#heard);
    this.#connection.start();
  }

  /** Tries the line at once, when the device says it may work again or the visitor asks. */
  again = (): void => {
    if (this.link !== "idle") this.#connection.again();
  };

  end(): void {
    this.#connection.stop();
    clearTimeout(this.#later);
    this.#keeping.listen(null);
  }

  /** A new chat; the old one stays with the organisation. */
  fresh(): void {
    this.#begin();
    this.#keeping.tell({ type: "fresh" });
  }

  /** Whoever was here is gone: nothing of them stays in this browser. */
  reset(): void {
    this.#forgetAll();
    this.#keeping.tell({ type: "forgotten" });
  }

  /** The visitor sees what there is, here. */
  seen(): void {
    this.#keeping.tell({ type: "read" });
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

  rate(exchange: number, value: Thumb, comment = ""): void {
    if (this.#connection.send({ type: "feedback", exchange, value, ...(comment && { comment }) }))
      this.#dispatch({ type: "local.rate", exchange, value, comment });
  }

  /** How the whole conversation was, 1 to 5. */
  score(value: number): void {
    this.#owe({ type: "csat", value });
  }

  leaveEmail(address: string): void {
    this.#owe({ type: "email", address });
  }

  /** Something that was asked for here did not work out. */
  complain(code: string): void {
    this.#dispatch({ type: "error", code });
  }

  /** What the page says of itself; told where the server offers to hear it. */
  tellFacts(facts: { context?: Facts; attributes?: Facts }): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#sendFacts();
  }

  /** The visitor is writing: worth a frame now and then while a person may be looking. */
  typed(): void {
    if (this.state.handledBy === "agent" || performance.now() - this.#typedAt < TYPING_EVERY_MS) return;
    if (this.#connection.send({ type: "typing" })) this.#typedAt = performance.now();
  }

  #hello(): ClientFrame {
    const resume = position(this.state);
    return {
      type: "hello",
      ...this.#proof(),
      ...(this.#isFresh && { fresh: true }),
      ...(resume && { resume }),
    };
  }

  #received(frame: ServerFrame): void {
    if (frame.type === "error") return this.#refused(frame);
    if (!fits(this.state, frame)) return this.#heal();
    const before = this.state;
    this.#dispatch(frame);
    if (frame.type === "typing") this.#awaitQuiet();
    report(frame, before, this.state, this.#hooks);
    if (frame.type === "welcome") this.#welcomed(frame.v ?? VERSION);
    if (frame.type === "ack") this.#inFlight.delete(frame.client_message_id);
    if (frame.type === "ack" || frame.type === "welcome") this.#proceed();
    if ("sha256" in frame) void this.#verify(frame);
  }

  /** Told now, or once there is a line. */
  #owe(frame: Owed): void {
    this.#dispatch({ type: "local.owe", frame });
    this.#connection.send(frame);
  }

  #welcomed(version: number): void {
    this.#isFresh = false;
    this.#inFlight.clear(); // an acknowledgement that came before this was not heard
    this.#keeping.dressed(this.state.agent?.appearance);
    if (this.#jwt && this.#jwt !== this.#vouched) this.#hooks.happened("identified", {});
    this.#vouched = this.#jwt;
    if (version > VERSION) this.complain("outdated");
    for (const frame of this.state.owed) this.#connection.send(frame);
    this.#sendFacts();
  }

  #sendFacts(): void {
    if (this.offers("context") && Object.keys(this.#facts).length)
      this.#connection.send({ type: "context", ...this.#facts });
  }

  #refused(frame: ServerFrame & { type: "error" }): void {
    if (frame.code === UNKNOWN_TYPE) return;
    this.#hooks.failed(frame);
    if (frame.code === BAD_IDENTITY) return this.#stranger();
    if (frame.code === NOTHING_TO_STOP) return this.#heal();
    this.#inFlight.delete(frame.client_message_id ?? "");
    this.#turn.end();
    this.#dispatch(frame);
    if (frame.code === NO_SUCH_CHAT) this.#connection.greet();
    else if (frame.client_message_id && isPassing(frame.code)) this.#flushLater(frame.retry_after);
    else this.#flush();
  }

  #flushLater(seconds = 0): void {
    clearTimeout(this.#later);
    this.#later = window.setTimeout(() => this.#flush(), Math.max(AGAIN_MS, seconds * 1000));
  }

  #changed(link: Link, code: number): void {
    this.code = code;
    this.#inFlight.clear();
    this.#turn.end();
    if (link === "refused") this.#hooks.failed({ code: String(code) });
    this.#hooks.changed();
  }

  /** Sends what waits; once the chat is there, or nothing was sent, other tabs may begin one. */
  #proceed = (): void => {
    this.#flush();
    if (this.state.chat !== undefined || !this.#inFlight.size) this.#turn.end();
  };

  /** In the order they were written; the first alone, since it makes the chat. The server queues what comes while it answers. */
  #flush(): void {
    for (const { sending, key, request } of this.state.exchanges) {
      if (sending !== "pending" || this.#inFlight.has(key)) continue;
      if (this.state.chat === undefined && (this.#inFlight.size || !this.#turn.isMine)) return;
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
    const text = find(this.state, exchange)?.response;
    const found = expected && text !== undefined && (await sha256(text));
    const now = find(this.state, exchange);
    if (!found || found === expected || now?.response !== text || now?.epoch !== epoch) return;
    if (this.#doubted.has(exchange)) return;
    this.#doubted.add(exchange);
    this.#dispatch(seq ? { type: "local.rewind", to: seq - 1 } : { type: "local.refetch" });
    this.#heal();
  }

  #awaitQuiet(): void {
    clearTimeout(this.#quiet);
    this.#quiet = window.setTimeout(() => this.#dispatch({ type: "local.quiet" }), TYPING_LASTS_MS);
  }

  #dispatch(action: Action): void {
    const before = this.state;
    this.state = reduce(before, action);
    this.#keeping.changed(before, this.state, this.#jwt !== undefined);
    this.#hooks.changed();
  }

  #heard = (news: News): void => {
    if (news.type === "read") this.#hooks.read();
    else if (news.type === "fresh") this.#begin();
    else if (news.type === "forgotten") this.#forgetAll();
    else if (this.state.chat === undefined && !news.token === !!this.#jwt) {
      if (!this.#jwt) this.#dispatch({ ...news, type: "local.known" });
      this.#dispatch({ type: "local.refetch" });
      this.#connection.greet();
    }
  };

  #begin(): void {
    this.#isFresh = true;
    this.#inFlight.clear();
    this.#dispatch({ type: "local.fresh" });
    this.#connection.greet();
  }

  #forgetAll(): void {
    this.#jwt = undefined;
    this.#facts = {};
    this.#inFlight.clear();
    this.#dispatch({ type: "local.fresh" });
    this.#dispatch({ type: "local.forget" });
    this.#keeping.forget();
    this.#connection.greet();
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
