import type { Handler, Row, Tab } from "./inbox-frames";
import type { Seen } from "./inbox-seen";
import { EMPTY, handler } from "./inbox-words";
import { copyOf, Keyed } from "./keyed";
import { byTestId, setText } from "./page";
import { showTime } from "./times";

const STEP = 50;
const MOST = 200;

interface Hooks {
  chosen(chat: string): void;
  filtered(tab: Tab, limit: number): void;
  /** Whether something that was written in this chat could not be sent. */
  hasRefused(chat: string): boolean;
}

/** The chats of one tab, kept row by row; arrow keys go through them. */
export class InboxList {
  tab: Tab = "waiting";
  limit = STEP;
  readonly #rows: Keyed<Row>;
  readonly #body = document.getElementById("inbox-chats") as HTMLElement;
  readonly #empty = document.getElementById("inbox-empty") as HTMLElement;
  readonly #more = document.getElementById("inbox-more") as HTMLElement;
  readonly #hooks: Hooks;
  readonly #seen: Seen;
  readonly #me: number;
  #shown: readonly Row[] | undefined;
  #open: string | undefined;

  constructor(hooks: Hooks, seen: Seen, me: number, address: (chat: string) => string) {
    this.#hooks = hooks;
    this.#seen = seen;
    this.#me = me;
    const create = ({ chat }: Row) => {
      const row = copyOf("inbox-row");
      row.dataset.chat = chat;
      const link = row.querySelector("a");
      if (link) link.href = address(chat);
      return row;
    };
    this.#rows = new Keyed(this.#body, ({ chat }) => chat, create, this.#fill);
    this.#body.addEventListener("click", this.#clicked);
    this.#body.addEventListener("keydown", this.#pressed);
    this.#more.addEventListener("click", () => this.choose(this.tab, Math.min(this.limit + STEP, MOST)));
    document.getElementById("inbox")?.addEventListener("click", ({ target }) => {
      const button = target instanceof Element ? target.closest<HTMLElement>("button[data-tab]") : null;
      if (button) this.choose(button.dataset.tab as Tab);
    });
  }

  choose(tab: Tab, limit = STEP): void {
    if (tab !== this.tab) this.#shown = undefined;
    this.tab = tab;
    this.limit = limit;
    for (const button of document.querySelectorAll<HTMLElement>("#inbox-tabs [data-tab]"))
      button.setAttribute("aria-pressed", String(button.dataset.tab === tab));
    this.#hooks.filtered(tab, limit);
  }

  received(chats: readonly Row[], counts: Record<Handler, number>): void {
    this.#shown = chats;
    this.#count("waiting", counts.waiting);
    this.#count("staff", counts.staff);
    this.render();
  }

  /** The chat that is open on the right. */
  set open(chat: string | undefined) {
    this.#open = chat;
    this.render();
  }

  render(): void {
    if (!this.#shown) return;
    this.#rows.update(this.#shown);
    this.#empty.hidden = this.#shown.length > 0;
    setText(this.#empty.querySelector("p"), EMPTY[this.tab]);
    this.#empty
      .querySelector("button")
      ?.toggleAttribute("hidden", this.tab === "agent" || this.tab === "all");
    this.#more.hidden = this.#shown.length < this.limit || this.limit >= MOST;
  }

  focus(chat: string | undefined): void {
    const link = this.#body.querySelector<HTMLElement>(chat ? `[data-chat="${CSS.escape(chat)}"] a` : "a");
    (link ?? document.querySelector<HTMLElement>("#inbox-tabs [aria-pressed=true]"))?.focus();
  }

  #count(name: Handler, count: number): void {
    const badge = byTestId(`${name}-count`);
    setText(badge, String(count));
    badge?.toggleAttribute("hidden", count === 0);
  }

  #fill = (row: HTMLElement, chat: Row): void => {
    const isOpen = chat.chat === this.#open;
    if (isOpen && !document.hidden) this.#seen.look(chat.chat, chat.last_at);
    const link = row.querySelector("a");
    if (isOpen) link?.setAttribute("aria-current", "true");
    else link?.removeAttribute("aria-current");
    const isNews =
      chat.handled_by !== "agent" && !chat.resolved_at && !this.#seen.has(chat.chat, chat.last_at);
    row.toggleAttribute("data-unread", isNews);
    row.querySelector(".unread")?.toggleAttribute("hidden", !isNews);
    const preview = row.querySelector<HTMLElement>("[data-preview]");
    setText(preview, chat.preview || "No text");
    if (preview) preview.title = chat.preview;
    const state = row.querySelector<HTMLElement>("[data-handler]");
    if (state) state.dataset.handler = chat.resolved_at ? "ended" : chat.handled_by;
    setText(state, handler(chat, this.#me));
    setText(row.querySelector("[data-agent]"), chat.agent);
    row.querySelector("[data-writing]")?.toggleAttribute("hidden", !chat.is_answering);
    row.querySelector("[data-refused]")?.toggleAttribute("hidden", !this.#hooks.hasRefused(chat.chat));
    const time = row.querySelector("time");
    if (!time) return;
    time.dateTime = chat.last_at;
    showTime(time);
  };

  #clicked = (event: MouseEvent): void => {
    const row = event.target instanceof Element ? event.target.closest<HTMLElement>("[data-chat]") : null;
    if (!row?.dataset.chat || event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    this.#hooks.chosen(row.dataset.chat);
  };

  #pressed = (event: KeyboardEvent): void => {
    const links = Array.from(this.#body.querySelectorAll<HTMLElement>("a"));
    const now = links.indexOf(document.activeElement as HTMLElement);
    const steps: Record<string, number> = {
      ArrowDown: now + 1,
      ArrowUp: now - 1,
      Home: 0,
      End: links.length - 1,
    };
    const to = links[steps[event.key] ?? -1];
    if (!to) return;
    event.preventDefault();
    to.focus();
  };
}
