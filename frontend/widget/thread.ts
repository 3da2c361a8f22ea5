import type { Link } from "./connection";
import { h, icon, icons, setText } from "./dom";
import { type ExchangeHooks, ExchangeView } from "./exchange";
import type { ClosingHooks } from "./extra/main";
import { Closing } from "./extras";
import { Notes } from "./notes";
import { Presence } from "./presence";
import { type Exchange, isExpected } from "./reply";
import { Suggestions } from "./suggestions";
import type { Transcript } from "./transcript";
import { answerProblem, stopped, words } from "./words";

const NEAR_BOTTOM_PX = 32;

export interface ThreadHooks extends ExchangeHooks, ClosingHooks {
  send(text: string): void;
}

/** The conversation: follows its end only while the reader is there, and announces a finished answer once. */
export class Thread {
  readonly log = h("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: "0" });
  readonly jump = h("button", { type: "button", class: "jump" }, icon(icons.down), words.newMessages);
  readonly announcer = h("div", { class: "unseen", "aria-live": "polite", "data-testid": "announcer" });
  readonly #greeting = h("div", { class: "text", part: "greeting", "data-testid": "greeting", dir: "auto" });
  readonly #earlier = h("p", { class: "note" });
  readonly #presence = new Presence();
  readonly #views = new Map<string, ExchangeView>();
  readonly #answering = new Set<string>();
  readonly #hooks: ThreadHooks;
  readonly #suggestions: Suggestions;
  readonly #closing: Closing;
  #news: string[] = [];
  #isFollowing = true;
  /** Where it was scrolled to last: less than that is somebody's doing, who was not heard yet. */
  #at = 0;

  /** To be said to screen readers with the next drawing. */
  readonly say = (text: string): void => {
    if (text) this.#news.push(text);
  };
  readonly #notes = new Notes(this.say);

  constructor(host: string, hooks: ThreadHooks) {
    this.#hooks = hooks;
    this.#suggestions = new Suggestions(hooks.send);
    this.#closing = new Closing(host, hooks);
    this.jump.hidden = true;
    this.log.setAttribute("aria-label", words.conversation);
    this.log.addEventListener("scroll", this.#scrolled, { passive: true });
    this.jump.addEventListener("click", () => {
      this.log.focus();
      this.toEnd();
    });
    new ResizeObserver(() => this.#isFollowing && this.toEnd()).observe(this.log);
  }

  update(state: Transcript, link: Link, agent: string, greeting: string): void {
    if (this.log.scrollTop < this.#at) this.#scrolled();
    const before = this.#isFollowing ? 0 : this.log.scrollHeight;
    setText(this.#greeting, greeting);
    setText(this.#earlier, state.hasEarlier ? words.earlier : "");
    this.say(this.#presence.update(state));
    this.#suggestions.update(state.exchanges.length ? [] : (state.agent?.suggestions ?? []));
    this.#closing.update(state, link);
    this.#draw([...this.#items(state, link, agent)]);
    if (this.#news.length) this.announcer.textContent = this.#news.splice(0).join(". ");
    if (this.#isFollowing) this.toEnd();
    else if (this.log.scrollHeight > before) this.jump.hidden = false;
  }

  toEnd(): void {
    this.#isFollowing = true;
    this.jump.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.#at = this.log.scrollTop;
  }

  #scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight <= NEAR_BOTTOM_PX;
    if (this.#isFollowing) this.jump.hidden = true;
  };

  /** From top to bottom: each exchange, behind it what happened after it, and last who is there. */
  *#items({ exchanges, notes, offers }: Transcript, link: Link, agent: string): Generator<HTMLElement> {
    yield* [this.#greeting, this.#suggestions.element, this.#earlier];
    const isRateable = offers.includes("feedback");
    const upTo = (index: number) => exchanges[index]?.id ?? Number.POSITIVE_INFINITY;
    const next = exchanges.find(isExpected);
    yield* this.#notes.between(0, upTo(0), notes, agent);
    for (const [index, exchange] of exchanges.entries()) {
      const view = this.#views.get(exchange.key) ?? new ExchangeView(this.#hooks);
      this.#views.set(exchange.key, view);
      view.update(exchange, { link, agent, isNext: exchange === next, isRateable });
      this.#finished(exchange, agent, view);
      yield view.element;
      if (exchange.id) yield* this.#notes.between(exchange.id, upTo(index + 1), notes, agent);
    }
    yield* [this.#presence.element, this.#closing.element];
  }

  /** Moves and removes only what is not where it belongs. */
  #draw(items: readonly HTMLElement[]): void {
    const kept = new Set<Element>(items);
    for (const child of [...this.log.children]) if (!kept.has(child)) child.remove();
    for (const [key, view] of this.#views) if (!kept.has(view.element)) this.#views.delete(key);
    items.forEach((item, index) => {
      const there = this.log.children[index];
      if (there !== item) this.log.insertBefore(item, there ?? null);
    });
  }

  #finished(exchange: Exchange, agent: string, view: ExchangeView): void {
    const { answering, problem, reason } = exchange;
    // Not only while it streams: an answer may come whole between two drawings.
    if (!/completed|failed|stopped/.test(answering)) this.#answering.add(exchange.key);
    else if (this.#answering.delete(exchange.key)) {
      const said = answering === "failed" ? answerProblem(problem?.code ?? "") : view.spoken;
      this.say(`${agent}: ${said || stopped(reason)}`);
    }
  }
}
