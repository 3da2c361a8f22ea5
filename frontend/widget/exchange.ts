import { h, setAttribute, setText } from "./dom";
import { write } from "./prose";
import { segments } from "./segments";
import type { Link } from "./socket";
import { Sources } from "./sources";
import { type Exchange, isAnswering } from "./transcript";
import { answerProblem, sendProblem, words } from "./words";

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
  readonly #typing = h(
    "div",
    { class: "typing", role: "img", "aria-label": words.replying },
    h("i"),
    h("i"),
    h("i"),
  );
  #shown: Exchange | undefined;
  #link: Link | undefined;

  constructor(retry: (exchange: Exchange) => void) {
    const again = () => this.#shown && retry(this.#shown);
    this.#visitor.retry.addEventListener("click", again);
    this.#agent.retry.addEventListener("click", again);
    this.#agent.text.before(this.#typing);
    this.#agent.text.after(this.#sources.element);
    this.element.append(this.#visitor.element, this.#agent.element);
  }

  update(exchange: Exchange, link: Link, agent: string): void {
    if (this.#shown === exchange && this.#link === link) return;
    this.#shown = exchange;
    this.#link = link;
    if (exchange.id) setAttribute(this.element, "data-exchange", exchange.id);
    this.#request(exchange, link);
    this.#response(exchange, agent);
  }

  #request(exchange: Exchange, link: Link): void {
    const { element, text } = this.#visitor;
    element.hidden = exchange.request === "";
    setAttribute(element, "data-state", exchange.sending);
    setText(text, exchange.request);
    const waiting = link === "online" || link === "connecting" ? words.sending : words.kept;
    const { code = "", detail } = exchange.problem ?? {};
    const failure = exchange.sending === "failed" ? sendProblem(code, detail) : "";
    this.#visitor.say(exchange.sending === "pending" ? waiting : failure, failure !== "");
  }

  #response(exchange: Exchange, agent: string): void {
    const { element, text } = this.#agent;
    const { answering, problem, citations } = exchange;
    element.hidden = answering === "none";
    setAttribute(element, "aria-label", agent);
    setAttribute(element, "data-state", answering === "waiting" ? "streaming" : answering);
    setAttribute(element, "aria-busy", String(isAnswering(exchange)));
    this.#typing.hidden = answering !== "waiting";
    const isSource = sourceTest(exchange);
    const shown = segments(exchange.response, isSource, isAnswering(exchange));
    write(
      text,
      shown,
      (number) => citations.find((one) => one.number === number),
      (number) => this.#sources.open(number),
    );
    text.hidden = shown.length === 0;
    this.#sources.update(citations.length && isSource(citations[0]?.number ?? 0) ? citations : NONE);
    const failure = answering === "failed" ? answerProblem(problem?.code ?? "") : "";
    this.#agent.say(
      answering === "stopped" ? words.stopped : failure,
      failure !== "" && problem?.retryable === true,
    );
  }
}

const NONE: readonly never[] = [];

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
