import { h, setAttribute, setText } from "./dom";
import { Feedback } from "./feedback";
import type { Thumb } from "./frames";
import { write } from "./prose";
import { type Exchange, isAnswering } from "./reply";
import { segments } from "./segments";
import type { Link } from "./socket";
import { Sources } from "./sources";
import { answerProblem, sendProblem, stopped, words } from "./words";

export interface ExchangeHooks {
  retry(exchange: Exchange): void;
  rate(exchange: number, value: Thumb): void;
}

/** What an exchange looks like depends on these besides itself; `isNext`: no answer before it is still to come. */
export interface Around {
  link: Link;
  agent: string;
  isNext: boolean;
}

/** Numbers in the text that lead to a source; until the sources are told every marker may. */
export function sourceTest(exchange: Exchange): (number: number) => boolean {
  if (exchange.grounded === false) return () => false;
  if (isAnswering(exchange) && !exchange.citations.length) return () => true;
  return (number) => exchange.citations.some((citation) => citation.number === number);
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
  #shown: Exchange | undefined;
  #around = "";

  constructor(hooks: ExchangeHooks) {
    const again = () => this.#shown && hooks.retry(this.#shown);
    this.#visitor.retry.addEventListener("click", again);
    this.#agent.retry.addEventListener("click", again);
    this.#feedback = new Feedback((value) => this.#shown?.id && hooks.rate(this.#shown.id, value));
    this.#agent.text.before(this.#name, this.#typing);
    this.#agent.text.after(this.#sources.element, this.#feedback.element);
    this.element.append(this.#visitor.element, this.#agent.element);
  }

  update(exchange: Exchange, { link, agent, isNext }: Around): void {
    const around = `${link} ${isNext} ${agent}`;
    if (this.#shown === exchange && this.#around === around) return;
    this.#shown = exchange;
    this.#around = around;
    if (exchange.id) setAttribute(this.element, "data-exchange", String(exchange.id));
    const isQueued = exchange.answering === "queued";
    this.#request(exchange, link, isQueued && !isNext);
    this.#response(exchange, agent, exchange.answering === "waiting" || (isQueued && isNext));
    this.#feedback.element.hidden = !isRateable(exchange);
    this.#feedback.update(exchange.feedback, link);
  }

  #request(exchange: Exchange, link: Link, isQueued: boolean): void {
    const { element, text } = this.#visitor;
    element.hidden = exchange.request === "";
    setAttribute(element, "data-state", isQueued ? "queued" : exchange.sending);
    setText(text, exchange.request);
    if (exchange.sending === "failed") {
      const { code = "", detail } = exchange.problem ?? {};
      return this.#visitor.say(sendProblem(code, detail), true);
    }
    const kept = link === "online" || link === "connecting" ? words.sending : words.kept;
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
    const isSource = staff === undefined ? sourceTest(exchange) : () => false;
    const shown = segments(exchange.response, isSource, isAnswering(exchange));
    write(
      text,
      shown,
      (number) => citations.find((one) => one.number === number),
      (number) => this.#sources.open(number),
    );
    text.hidden = shown.length === 0;
    this.#sources.update(citations.length && isSource(citations[0]?.number ?? 0) ? citations : NONE);
    this.#end(exchange);
  }

  #end({ answering, reason, problem }: Exchange): void {
    if (answering === "stopped") this.#agent.say(stopped(reason), reason === "visitor_left");
    else if (answering === "failed")
      this.#agent.say(answerProblem(problem?.code ?? ""), problem?.retryable === true);
    else this.#agent.say("", false);
  }
}

const NONE: readonly never[] = [];

const isRateable = ({ answering, staff, response, id }: Exchange): boolean =>
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
