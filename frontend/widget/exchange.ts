import type { Link } from "./connection";
import { h, setAttribute, setText } from "./dom";
import { Feedback } from "./feedback";
import type { Thumb } from "./frames";
import { linked } from "./links";
import { Prose } from "./prose";
import { type Exchange, isAnswering } from "./reply";
import { Sources } from "./sources";
import { answerProblem, problem, stopped, words } from "./words";

export interface ExchangeHooks {
  retry(exchange: Exchange): void;
  rate(exchange: number, value: Thumb, comment?: string): void;
}

/** What an exchange looks like depends on these besides itself; `isNext`: no answer before it is still to come. */
export interface Around {
  link: Link;
  agent: string;
  isNext: boolean;
  isRateable: boolean;
}

/** Whether a number in the text leads to a source; until the sources are told it may. */
export function isSource(
  { answering, citations, grounded, staff }: Exchange,
  number: number,
): boolean | undefined {
  if (grounded === false || staff !== undefined) return false;
  if (/waiting|streaming/.test(answering) && !citations.length) return undefined;
  return citations.some((citation) => citation.number === number);
}

/** The elements of one exchange: what the visitor said, and what came back. */
export class ExchangeView {
  readonly element = h("div", { class: "exchange" });
  readonly #visitor = new Bubble("visitor");
  readonly #agent = new Bubble("agent");
  readonly #sources = new Sources();
  readonly #feedback: Feedback;
  readonly #name = h("p", { class: "name", dir: "auto" });
  readonly #typing = dots(words.replying);
  readonly #prose: Prose;
  #shown: Exchange | undefined;
  #around = "";

  constructor(hooks: ExchangeHooks) {
    const again = () => this.#shown && hooks.retry(this.#shown);
    this.#visitor.retry.addEventListener("click", again);
    this.#agent.retry.addEventListener("click", again);
    this.#feedback = new Feedback(
      (value, comment) => this.#shown?.id && hooks.rate(this.#shown.id, value, comment),
    );
    this.#prose = new Prose(this.#agent.text, {
      isSource: (number) => this.#shown && isSource(this.#shown, number),
      find: (number) => this.#shown?.citations.find((one) => one.number === number),
      open: (number) => this.#sources.open(number),
    });
    this.#agent.text.before(this.#name, this.#typing);
    this.#agent.text.after(this.#sources.element, this.#feedback.element);
    this.element.append(this.#visitor.element, this.#agent.element);
  }

  /** What a screen reader is to say of the answer. */
  get spoken(): string {
    return this.#prose.spoken;
  }

  update(exchange: Exchange, { link, agent, isNext, isRateable }: Around): void {
    const around = `${link} ${isNext} ${isRateable} ${agent}`;
    if (this.#shown === exchange && this.#around === around) return;
    this.#shown = exchange;
    this.#around = around;
    if (exchange.id) setAttribute(this.element, "data-exchange", String(exchange.id));
    const isQueued = exchange.answering === "queued";
    this.#request(exchange, link, isQueued && !isNext);
    this.#response(exchange, agent, exchange.answering === "waiting" || (isQueued && isNext));
    this.#feedback.element.hidden = !isRateable || !isAnswer(exchange);
    this.#feedback.update(exchange, link);
  }

  #request(exchange: Exchange, link: Link, isQueued: boolean): void {
    const { element, text } = this.#visitor;
    element.hidden = exchange.request === "";
    setAttribute(element, "data-state", isQueued ? "queued" : exchange.sending);
    setText(text, exchange.request);
    if (exchange.sending === "failed") {
      const { code = "", detail } = exchange.problem ?? {};
      return this.#visitor.say(problem(code, detail, words.unsent), true);
    }
    const isThere = link === "online" || link === "connecting";
    const kept = isThere ? (exchange.problem ? words.held : words.sending) : words.kept;
    const waiting = isQueued ? words.queued : "";
    this.#visitor.say(exchange.sending === "pending" ? kept : waiting, false);
  }

  #response(exchange: Exchange, agent: string, isExpected: boolean): void {
    const { element, text } = this.#agent;
    const { answering, citations, staff } = exchange;
    const isRunning = isExpected || isAnswering(exchange);
    element.hidden = !isRunning && !/completed|failed|stopped/.test(answering);
    setAttribute(element, "data-role", staff === undefined ? "agent" : "staff");
    setAttribute(element, "aria-label", staff === undefined ? agent : staff || words.aPerson);
    setAttribute(element, "data-state", isRunning ? "streaming" : answering);
    setAttribute(element, "aria-busy", String(isRunning));
    setText(this.#name, staff === undefined ? "" : staff || words.aPerson);
    this.#typing.hidden = !isExpected;
    this.#write(exchange);
    text.hidden = exchange.response === "";
    this.#sources.update(
      citations.length && isSource(exchange, citations[0]?.number ?? 0) ? citations : NONE,
    );
    this.#end(exchange);
  }

  /** People write plain text, agents Markdown. */
  #write(exchange: Exchange): void {
    if (exchange.staff === undefined) {
      this.#prose.write(exchange.response, !isAnswering(exchange));
      this.#prose.cite();
    } else if (this.#agent.text.textContent !== exchange.response)
      this.#agent.text.replaceChildren(...linked(exchange.response));
  }

  #end({ answering, reason, problem }: Exchange): void {
    if (answering === "stopped") this.#agent.say(stopped(reason), reason === "visitor_left");
    else if (answering === "failed")
      this.#agent.say(answerProblem(problem?.code ?? ""), problem?.retryable === true);
    else this.#agent.say("", false);
  }
}

const NONE: readonly never[] = [];

const isAnswer = ({ answering, staff, response, id }: Exchange): boolean =>
  answering === "completed" && staff === undefined && response !== "" && id !== undefined;

export const dots = (label: string): HTMLElement =>
  h("div", { class: "typing", role: "img", "aria-label": label }, h("i"), h("i"), h("i"));

class Bubble {
  readonly text = h("div", { class: "text", part: "text", "data-testid": "text", dir: "auto" });
  readonly retry = h("button", { type: "button", class: "retry" }, words.retry);
  readonly element: HTMLElement;
  readonly #note = h("span");
  readonly #status = h("p", { class: "status", "data-testid": "status" }, this.#note, this.retry);

  constructor(role: "visitor" | "agent") {
    const attributes = { class: `message ${role}`, part: "message", role: "group", "data-role": role };
    this.element = h("div", attributes, this.text, this.#status);
    if (role === "visitor") this.element.setAttribute("aria-label", words.you);
  }

  say(note: string, canRetry: boolean): void {
    setText(this.#note, note);
    this.retry.hidden = !canRetry;
    this.#status.hidden = note === "";
  }
}
