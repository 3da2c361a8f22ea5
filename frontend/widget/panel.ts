import { avatar } from "./avatar";
import { Composer } from "./composer";
import type { Link } from "./connection";
import { h, icon, icons, setAttribute, setText } from "./dom";
import { direction } from "./locale";
import { Menu } from "./menu";
import { isExpected } from "./reply";
import { Thread, type ThreadHooks } from "./thread";
import type { Transcript } from "./transcript";
import { fill, language, problem, words } from "./words";

const PATIENCE_MS = 300;
/** A server that restarts is back before that. */
const LOST_PATIENCE_MS = 1000;

export interface PanelHooks extends ThreadHooks {
  close(): void;
  stop(): void;
  typed(): void;
  drafted(text: string): void;
  person(): void;
  again(): void;
  fresh(): void;
  download(): void;
}

/** What is shown besides the conversation itself. */
export interface Setting {
  link: Link;
  code: number;
  canStop: boolean;
  canBegin: boolean;
  title: string;
  greeting: string;
}

/** The open widget: who is speaking, what was said, whether the line holds, and the place to write. */
export class Panel {
  readonly element = h("section", { class: "panel", part: "panel", role: "dialog", tabindex: "-1" });
  readonly composer: Composer;
  readonly thread: Thread;
  readonly #title = h("span", { dir: "auto" });
  readonly #subtitle = h("p", { class: "subtitle", "data-testid": "handler", dir: "auto" });
  readonly #line = h("p", { class: "line", role: "status", "data-testid": "connection" });
  readonly #notice = h("p", { class: "notice", role: "alert", "data-testid": "notice" });
  readonly #again = h("button", { type: "button", class: "retry" }, words.retry);
  readonly #avatar = h("div", { class: "avatar", "aria-hidden": "true" });
  readonly #menu: Menu;
  readonly #person = h("button", { type: "button", class: "person" });
  #patience = 0;

  constructor(host: string, hooks: PanelHooks) {
    this.#avatar.dataset.host = host;
    this.element.lang = language;
    this.element.dir = direction(language);
    this.#menu = new Menu(hooks);
    this.composer = new Composer(hooks);
    this.thread = new Thread(host, hooks);
    const close = h(
      "button",
      { type: "button", class: "icon", "aria-label": words.close },
      icon(icons.close),
    );
    close.addEventListener("click", hooks.close);
    this.#again.addEventListener("click", hooks.again);
    this.#person.addEventListener("click", () => {
      if (this.#person.getAttribute("aria-disabled") === "true") return;
      hooks.person();
      this.composer.focus();
    });
    const names = h("div", { class: "names" }, h("h2", { class: "title" }, this.#title), this.#subtitle);
    this.element.append(
      h("div", { class: "head", part: "header" }, this.#avatar, names, this.#menu.element, close),
      h("div", { class: "middle" }, this.thread.log, this.thread.jump),
      this.#line,
      h("div", { class: "problem" }, this.#notice, this.#again),
      this.composer.element,
      this.#person,
    );
  }

  update(state: Transcript, { link, code, canStop, canBegin, title, greeting }: Setting): void {
    const { activeElement } = this.element.getRootNode() as ShadowRoot;
    const agent = title || state.agent?.name || words.title;
    setText(this.#title, agent);
    this.#title.title = agent;
    setAttribute(this.element, "aria-label", agent);
    setText(this.#subtitle, handler(state));
    avatar(this.#avatar, state.handledBy === "staff" ? state : { name: agent, avatar: state.agent?.avatar });
    this.thread.update(state, link, agent, greeting || state.agent?.greeting || "");
    this.composer.update(state.exchanges.some(isExpected), canStop);
    this.#menu.update(
      canBegin && state.exchanges.length > 0,
      state.chat !== undefined && state.offers.includes("transcript"),
    );
    this.#offerPerson(state, link);
    this.#connection(link, code);
    const refused =
      link === "refused" ? { code: code === 4403 ? "refused_origin" : "refused" } : state.notice;
    setText(this.#notice, refused ? problem(refused.code, refused.detail, words.problem_unavailable) : "");
    this.#again.hidden = link !== "refused";
    // What goes when it is used, such as a suggested question, leaves its focus to the conversation.
    if (activeElement && !activeElement.getClientRects().length) this.thread.log.focus();
  }

  #offerPerson({ agent, offers, handledBy, isAsking, isResolved }: Transcript, link: Link): void {
    const isFree = link === "online" && !isAsking;
    setText(this.#person, isAsking ? words.asking : words.person);
    setAttribute(this.#person, "aria-disabled", String(!isFree));
    this.#person.title = link === "online" ? "" : words.noConnection;
    this.#person.hidden = !agent || !offers.includes("person") || handledBy !== "agent" || isResolved;
  }

  /** A short wait is not worth a word. */
  #connection(link: Link, code: number): void {
    const say = () => setText(this.#line, link === "connecting" ? words.connecting : lost(code));
    if (this.element.dataset.connection === link) return this.#line.hidden ? undefined : say();
    setAttribute(this.element, "data-connection", link);
    clearTimeout(this.#patience);
    if (link === "connecting") this.#patience = window.setTimeout(say, PATIENCE_MS);
    else if (link === "offline") this.#patience = window.setTimeout(say, LOST_PATIENCE_MS);
    else setText(this.#line, "");
  }
}

function handler({ handledBy, name }: Transcript): string {
  if (handledBy === "staff") return fill(words.staffSubtitle, { name: name ?? words.aPerson });
  return handledBy === "waiting" ? words.waitingSubtitle : words.subtitle;
}

function lost(code: number): string {
  if (code === 4429) return words.problem_busy;
  return navigator.onLine ? words.reconnecting : words.offline;
}
