import { h, icon, icons, setText } from "./dom";
import { ExchangeView, sourceTest } from "./exchange";
import { spoken } from "./segments";
import type { Link } from "./socket";
import { type Exchange, isAnswering, type Transcript } from "./transcript";
import { answerProblem, words } from "./words";

const NEAR_BOTTOM_PX = 32;

/** The conversation: follows its end only while the reader is there, and announces a finished answer once. */
export class Thread {
  readonly log = h("div", { class: "log", part: "log", role: "log", "aria-live": "off", tabindex: "0" });
  readonly jump = h("button", { type: "button", class: "jump" }, icon(icons.down), words.newMessages);
  readonly announcer = h("div", { class: "unseen", "aria-live": "polite", "data-testid": "announcer" });
  readonly #greeting = h("div", { class: "text", part: "greeting", "data-testid": "greeting", dir: "auto" });
  readonly #views = new Map<string, ExchangeView>();
  readonly #answering = new Set<string>();
  readonly #retry: (exchange: Exchange) => void;
  #isFollowing = true;

  constructor(retry: (exchange: Exchange) => void) {
    this.#retry = retry;
    this.#greeting.hidden = this.jump.hidden = true;
    this.log.setAttribute("aria-label", words.conversation);
    this.log.append(this.#greeting);
    this.log.addEventListener("scroll", this.#scrolled, { passive: true });
    this.jump.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#isFollowing && this.toEnd()).observe(this.log);
  }

  update(state: Transcript, link: Link, agent: string, greeting: string): void {
    const before = this.#isFollowing ? 0 : this.log.scrollHeight;
    setText(this.#greeting, greeting);
    this.#forget(state.exchanges);
    state.exchanges.forEach((exchange, index) => {
      this.#place(exchange, index + 1).update(exchange, link, agent);
      this.#announce(exchange, agent);
    });
    if (this.#isFollowing) this.toEnd();
    else if (this.log.scrollHeight > before) this.jump.hidden = false;
  }

  toEnd(): void {
    this.#isFollowing = true;
    this.jump.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
  }

  #scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight <= NEAR_BOTTOM_PX;
    if (this.#isFollowing) this.jump.hidden = true;
  };

  #place(exchange: Exchange, index: number): ExchangeView {
    const view = this.#views.get(exchange.key) ?? new ExchangeView(this.#retry);
    this.#views.set(exchange.key, view);
    if (this.log.children[index] !== view.element)
      this.log.insertBefore(view.element, this.log.children[index] ?? null);
    return view;
  }

  #forget(exchanges: readonly Exchange[]): void {
    const kept = new Set(exchanges.map((one) => one.key));
    for (const [key, view] of this.#views) {
      if (kept.has(key)) continue;
      view.element.remove();
      this.#views.delete(key);
    }
  }

  #announce(exchange: Exchange, agent: string): void {
    if (isAnswering(exchange)) this.#answering.add(exchange.key);
    else if (this.#answering.delete(exchange.key)) {
      const said =
        exchange.answering === "failed" ? answerProblem(exchange.problem?.code ?? "") : exchange.response;
      this.announcer.textContent = `${agent}: ${spoken(said, sourceTest(exchange)) || words.stopped}`;
    }
  }
}
