/** The socket's conversation over plain requests, for networks that let nothing else through (docs/rest.md). */

import type { Agent, ClientFrame, Offer, Position, ServerFrame, Welcome } from "../frames";
import type { Ears, Line, Place } from "../line";

type Hello = ClientFrame & { type: "hello" };
export type Send = ClientFrame & { type: "message.send" };

export const UNKNOWN_VISITOR = 4401;
const NOT_HERE = 4403;
const TOO_MANY = 4429;
/** As the socket calls it too: they go on as somebody whom nobody vouches for. */
const BAD_IDENTITY = "bad_identity";

/** The server answered, and said no. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly retryAfter: number,
  ) {
    super(detail);
  }
}

export abstract class HttpLine implements Line {
  protected token = "";
  protected chat: string | undefined;
  protected readonly ears: Ears;
  readonly #place: Place;
  readonly #end = new AbortController();
  #agent: Agent | undefined;
  #offers: Offer[] | undefined;

  constructor(place: Place, ears: Ears) {
    this.#place = place;
    this.ears = ears;
    queueMicrotask(() => this.#end.signal.aborted || ears.opened());
  }

  send(frame: ClientFrame): void {
    if (frame.type === "hello") this.#try(this.#hello(frame));
    else if (frame.type === "message.send") this.#try(this.#ask(frame));
    else if (frame.type === "resume") this.#try(this.follow(frame));
    else if (!/^p[io]ng$/.test(frame.type) && this.chat) this.#try(this.#pass(frame));
  }

  close(): void {
    this.#end.abort();
  }

  /** Tells the chat from here on; its first frame is a welcome. */
  protected abstract follow(from: Position | undefined): Promise<void>;
  /** Records the message and lets its answer be told. */
  protected abstract ask(message: Send): Promise<void>;

  protected get isClosed(): boolean {
    return this.#end.signal.aborted;
  }

  protected welcome(told: Partial<Welcome>): void {
    this.#agent = told.agent ?? this.#agent ?? { id: this.#place.agent, name: "", greeting: "" };
    this.#offers = told.offers ?? this.#offers;
    const nothing = { chat: null, recovered: false, messages: [] };
    this.hear({
      type: "welcome",
      ...nothing,
      ...told,
      token: this.token,
      agent: this.#agent,
      offers: this.#open,
    });
  }

  /** What can be done here and now: without a chat there is nothing yet to bring before a person. */
  get #open(): Offer[] {
    if (!this.#offers?.includes("frames")) return [];
    return this.#offers.filter((offer) => this.chat || offer !== "person");
  }

  /** What was done beside asking is on record. */
  protected async done(): Promise<void> {}

  protected hear(frame: ServerFrame): void {
    if (!this.isClosed) this.ears.received(frame);
  }

  protected question({ client_message_id, text }: Send): Record<string, unknown> {
    const where = this.chat ? { session_id: this.chat } : {};
    return { agent: this.#place.agent, message: text, client_message_id, ...where };
  }

  /** Throws a Refusal where the server says no, and TypeError where there is no line. */
  protected async request(
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Response> {
    const authorization = this.token ? { Authorization: `Bearer ${this.token}` } : {};
    const json = body === undefined ? {} : { "Content-Type": "application/json" };
    const answer = await fetch(`${this.#place.host}/api/v1${path}`, {
      method: body === undefined ? "GET" : "POST",
      headers: { ...authorization, ...json, ...headers },
      body: body === undefined ? null : JSON.stringify(body),
      credentials: "omit",
      cache: "no-store",
      signal: this.#end.signal,
    });
    if (answer.ok) return answer;
    const problem = await answer.json().catch(() => ({}));
    const retryAfter = Number(answer.headers.get("Retry-After")) || 0;
    throw new Refusal(answer.status, problem.code ?? "", problem.detail ?? "", retryAfter);
  }

  async #hello({ token, jwt, chat, resume, fresh }: Hello): Promise<void> {
    this.token = token ?? "";
    this.chat = fresh ? undefined : chat;
    if (!this.token || !this.chat) await this.#introduce(jwt, fresh === true);
    if (this.chat) await this.follow(resume);
    else this.welcome({ last_seq: 0, recovered: !chat });
  }

  /** For a line that tells of the chat, and not whom it is with. */
  protected async introduced(): Promise<void> {
    if (!this.#agent) await this.#introduce(undefined, true);
  }

  /** A token, where we have none; the agent's face in any case, and the chat of a person who comes back. */
  async #introduce(jwt: string | undefined, isFresh: boolean): Promise<void> {
    const answer = await this.request("/visitors", { agent: this.#place.agent, ...(jwt && { jwt }) });
    const { token, agent, offers, session_id } = await answer.json();
    this.token ||= token;
    if (!isFresh) this.chat ??= session_id ?? undefined;
    this.#agent = agent;
    this.#offers = offers;
  }

  async #ask(message: Send): Promise<void> {
    try {
      await this.ask(message);
    } catch (problem) {
      this.#refused(problem, { client_message_id: message.client_message_id });
    }
  }

  async #pass(frame: ClientFrame): Promise<void> {
    if (!this.#offers?.includes("frames")) return;
    try {
      await this.request(`/chats/${this.chat}/frames`, frame);
      await this.done();
    } catch (problem) {
      this.#refused(problem);
    }
  }

  /** A no to what was asked is told as the socket tells it; one to who asks, or where, ends the line. */
  #refused(problem: unknown, named: { client_message_id?: string } = {}): void {
    if (!(problem instanceof Refusal) || this.#isOutside(problem.status)) throw problem;
    const { code, detail, retryAfter } = problem;
    this.hear({ type: "error", ...named, code, detail, ...(retryAfter && { retry_after: retryAfter }) });
  }

  #isOutside(status: number): boolean {
    return status === 401 || status === 403 || (status === 404 && this.chat !== undefined);
  }

  #try(work: Promise<void>): void {
    work.catch((problem) => {
      if (this.isClosed) return;
      if (problem instanceof Refusal && problem.status === 404) return this.#lost();
      if (problem instanceof Refusal && problem.code === BAD_IDENTITY)
        return this.hear({ type: "error", code: BAD_IDENTITY, detail: problem.detail });
      this.ears.closed(codeOf(problem));
    });
  }

  /** The chat is not there any more, or not ours. */
  #lost(): void {
    this.chat = undefined;
    this.welcome({ last_seq: 0 });
  }
}

function codeOf(problem: unknown): number {
  if (!(problem instanceof Refusal)) return 0;
  const codes: Record<number, number> = { 401: UNKNOWN_VISITOR, 403: NOT_HERE, 429: TOO_MANY };
  return codes[problem.status] ?? 0;
}
