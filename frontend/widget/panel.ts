import { Composer } from "./composer";
import { h, icon, icons, setAttribute, setText } from "./dom";
import type { Link } from "./socket";
import { Thread } from "./thread";
import { type Exchange, isAnswering, type Transcript } from "./transcript";
import { sendProblem, words } from "./words";

const PATIENCE_MS = 300;

interface Hooks {
  close(): void;
  send(text: string): void;
  stop(): void;
  retry(exchange: Exchange): void;
  again(): void;
}

/** The open widget: who is speaking, what was said, whether the line holds, and the place to write. */
export class Panel {
  readonly element = h("section", { class: "panel", part: "panel", role: "dialog", lang: "en" });
  readonly composer: Composer;
  readonly thread: Thread;
  readonly #title = h("span", { dir: "auto" }, words.title);
  readonly #line = h("p", { class: "line", role: "status", "data-testid": "connection" });
  readonly #notice = h("p", { class: "notice", role: "alert", "data-testid": "notice" });
  readonly #again = h("button", { type: "button", class: "retry" }, words.retry);
  #patience = 0;

  constructor(hooks: Hooks) {
    this.composer = new Composer(hooks);
    this.thread = new Thread(hooks.retry);
    const close = h(
      "button",
      { type: "button", class: "icon", "aria-label": words.close },
      icon(icons.close),
    );
    close.addEventListener("click", hooks.close);
    this.#again.addEventListener("click", hooks.again);
    const names = h(
      "div",
      { class: "names" },
      h("h2", { class: "title" }, this.#title),
      h("p", { class: "subtitle" }, words.subtitle),
    );
    this.element.append(
      h("div", { class: "head", part: "header" }, names, close),
      h("div", { class: "middle" }, this.thread.log, this.thread.jump),
      this.#line,
      h("div", { class: "problem" }, this.#notice, this.#again),
      this.composer.element,
    );
  }

  update(state: Transcript, link: Link, code: number, title: string, greeting: string): void {
    const agent = title || state.agent?.name || words.title;
    setText(this.#title, agent);
    this.#title.title = agent;
    setAttribute(this.element, "aria-label", agent);
    this.thread.update(state, link, agent, greeting || state.agent?.greeting || "");
    this.composer.update(link === "online" && state.exchanges.some(isAnswering));
    this.#connection(link, code);
    const refused =
      link === "refused" ? { code: code === 4403 ? "refused_origin" : "refused" } : state.notice;
    setText(this.#notice, refused ? sendProblem(refused.code, refused.detail) : "");
    this.#again.hidden = link !== "refused";
  }

  /** A short wait is not worth a word: "connecting" is said after 300 ms. */
  #connection(link: Link, code: number): void {
    setAttribute(this.element, "data-connection", link);
    clearTimeout(this.#patience);
    if (link === "connecting") {
      this.#patience = window.setTimeout(() => setText(this.#line, words.connecting), PATIENCE_MS);
    } else setText(this.#line, link === "offline" ? lost(code) : "");
  }
}

function lost(code: number): string {
  if (code === 4429) return sendProblem("busy");
  return navigator.onLine ? words.reconnecting : words.offline;
}
