import type { Judged, Note, State, Turn } from "./inbox-frames";
import type { Unsent } from "./inbox-outbox";
import type { Exchange, Talk } from "./inbox-talk";
import { judged, mark, turned, words } from "./inbox-words";
import { copyOf, Keyed } from "./keyed";
import { setText } from "./page";
import { showTime } from "./times";

const NEAR_END_PX = 32;
const ZEROS = /0{8}-0{4}-0{4}-0{4}-0{12}/;
const EXPLAINED: ReadonlySet<State> = new Set(["completed", "stopped", "failed"]);

type Item =
  | { kind: "exchange"; key: string; at: string; one: Exchange }
  | { kind: "note"; key: string; at: string; note: Note }
  | { kind: "turn"; key: string; at: string; turn: Turn }
  | { kind: "unsent"; key: string; at: string; item: Unsent };

export interface Shown {
  talk: Talk;
  turns: readonly Turn[];
  verdicts: readonly Judged[];
  notes: readonly Note[];
  unsent: readonly Unsent[];
  agent: string;
  isLive: boolean;
}

interface Hooks {
  retry(key: string): void;
  discard(key: string): void;
}

/** The open chat: follows its end only while the reader is there. */
export class Thread {
  readonly #log = document.getElementById("thread") as HTMLElement;
  readonly #jump = document.getElementById("thread-jump") as HTMLElement;
  readonly #items: Keyed<Item>;
  readonly #why: string;
  readonly #filled = new WeakMap<HTMLElement, Exchange>();
  #shown: Shown | undefined;
  #chat: string | undefined;
  #isFollowing = true;

  /** `why` is the address of an explanation, with zeros for the chat and the exchange. */
  constructor(hooks: Hooks, why: string) {
    this.#why = why;
    const list = document.getElementById("thread-items") as HTMLElement;
    const create = (item: Item) => {
      const element = copyOf(`thread-${item.kind}`);
      element.querySelector("[data-retry]")?.addEventListener("click", () => hooks.retry(item.key));
      element.querySelector("[data-discard]")?.addEventListener("click", () => hooks.discard(item.key));
      return element;
    };
    this.#items = new Keyed(list, ({ key }) => key, create, this.#fill);
    this.#log.addEventListener("scroll", this.#scrolled, { passive: true });
    this.#jump.addEventListener("click", () => {
      this.toEnd();
      this.#log.focus({ preventScroll: true });
    });
    new ResizeObserver(() => this.#isFollowing && this.toEnd()).observe(this.#log);
  }

  update(shown: Shown): void {
    if (this.#chat !== shown.talk.chat) this.#isFollowing = true;
    this.#chat = shown.talk.chat;
    this.#shown = shown;
    const before = this.#log.scrollHeight;
    this.#items.update(itemsOf(shown));
    if (this.#isFollowing) this.toEnd();
    else if (this.#log.scrollHeight > before) this.#jump.hidden = false;
  }

  toEnd(): void {
    this.#isFollowing = true;
    this.#jump.hidden = true;
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled = (): void => {
    const { scrollHeight, scrollTop, clientHeight } = this.#log;
    this.#isFollowing = scrollHeight - scrollTop - clientHeight <= NEAR_END_PX;
    if (this.#isFollowing) this.#jump.hidden = true;
  };

  #fill = (element: HTMLElement, item: Item): void => {
    if (!this.#shown) return;
    const { agent, isLive, verdicts } = this.#shown;
    if (item.kind === "exchange") {
      const told = verdicts.find(({ exchange }) => exchange === item.one.exchange);
      showVerdict(element.querySelector("[data-verdict]"), told);
      return this.#fillExchange(element, item.one, agent);
    }
    if (item.kind === "turn") return setText(element, turned(item.turn, agent));
    if (item.kind === "unsent") return fillUnsent(element, item.item, isLive);
    setText(element.querySelector("[data-speaker]"), `${words.note} · ${item.note.name}`);
    setText(element.querySelector(".words"), item.note.text);
    stamp(element.querySelector("time"), item.note.at);
  };

  /** While one answer streams the others stay as they are. */
  #fillExchange(element: HTMLElement, one: Exchange, agent: string): void {
    if (this.#filled.get(element) === one) return;
    this.#filled.set(element, one);
    fillExchange(element, one, agent);
    this.#link(element.querySelector("a[data-why]"), one);
  }

  /** To what an answer of the agent was made of; while it runs nothing is on record yet. */
  #link(link: HTMLAnchorElement | null, one: Exchange): void {
    if (!link) return;
    link.hidden = one.from === "staff" || !one.request || !EXPLAINED.has(one.state);
    link.href = this.#why
      .replace(ZEROS, encodeURIComponent(this.#chat ?? ""))
      .replace("/0/", `/${one.exchange}/`);
  }
}

/** Exchanges in the order of their numbers; what lies beside them where its time says; what is under way last. */
function itemsOf({ talk, turns, notes, unsent }: Shown): Item[] {
  const beside: Item[] = [
    ...notes.map((note): Item => ({ kind: "note", key: `note-${note.id}`, at: note.at, note })),
    ...turns.map((turn): Item => ({ kind: "turn", key: `${talk.chat}-turn-${turn.seq}`, at: turn.at, turn })),
  ].sort((a, b) => a.at.localeCompare(b.at));
  const items: Item[] = [];
  const first = talk.hasEarlier ? (talk.exchanges[0]?.at ?? "") : "";
  let next = beside.findIndex(({ at }) => at >= first);
  if (next < 0) next = beside.length;
  for (const one of talk.exchanges) {
    for (let item = beside[next]; item && item.at < one.at; item = beside[++next]) items.push(item);
    items.push({ kind: "exchange", key: `${talk.chat}-${one.exchange}`, at: one.at, one });
  }
  const said = new Set(talk.exchanges.map(({ key }) => key));
  const waiting = unsent.filter(({ key }) => !said.has(key));
  return [
    ...items,
    ...beside.slice(next),
    ...waiting.map((item): Item => ({ kind: "unsent", key: item.key, at: item.at, item })),
  ];
}

function fillExchange(element: HTMLElement, one: Exchange, agent: string): void {
  const request = element.querySelector<HTMLElement>("[data-request]");
  const reply = element.querySelector<HTMLElement>("[data-reply]");
  if (!request || !reply) return;
  element.dataset.state = one.state;
  request.hidden = one.request === "";
  setText(request.querySelector(".words"), one.request);
  stamp(request.querySelector("time"), one.at);
  const note = mark(one);
  reply.hidden = one.response === "" && note === "";
  reply.dataset.from = one.from === "staff" ? "staff" : "agent";
  reply.setAttribute("aria-busy", String(one.state === "running"));
  setText(reply.querySelector("[data-speaker]"), one.from === "staff" ? (one.name ?? "Staff") : agent);
  const when = reply.querySelector<HTMLElement>("[data-when]");
  if (when) when.hidden = one.from !== "staff";
  stamp(reply.querySelector("time"), one.at);
  const text = reply.querySelector<HTMLElement>(".words");
  setText(text, one.response);
  if (text) text.hidden = one.response === "";
  put(reply.querySelector("[data-sources]"), sources(one));
  put(reply.querySelector("[data-mark]"), note);
}

function showVerdict(element: HTMLElement | null, told: Judged | undefined): void {
  if (element) element.dataset.verdict = told?.verdict ?? "";
  put(element, judged(told));
}

function fillUnsent(element: HTMLElement, item: Unsent, isLive: boolean): void {
  element.dataset.kind = item.kind;
  setText(element.querySelector("[data-speaker]"), item.kind === "note" ? words.note : words.you);
  setText(element.querySelector(".words"), item.text);
  setText(element.querySelector("[data-mark]"), item.problem ?? (isLive ? words.sending : words.kept));
  element.toggleAttribute("data-refused", item.problem !== undefined);
  for (const button of element.querySelectorAll("button")) button.hidden = item.problem === undefined;
}

const sources = ({ citations }: Exchange): string =>
  citations.length
    ? `Sources: ${citations.map(({ number, title }) => `${number} ${title}`).join(" · ")}`
    : "";

function put(element: HTMLElement | null, text: string): void {
  setText(element, text);
  if (element) element.hidden = text === "";
}

function stamp(time: HTMLTimeElement | null, at: string): void {
  if (!time || time.dateTime === at) return;
  time.dateTime = at;
  showTime(time);
}
