/** The inbox: a live list of chats, and one of them open, read along and, once taken over, answered. */

import { identifier } from "../widget/identifier";
import { connectionLine } from "./connection";
import {
  type ClientFrame,
  type Note,
  type OpenChat,
  type ServerFrame,
  TABS,
  type Tab,
  type TalkFrame,
} from "./inbox-frames";
import { type Act, Head } from "./inbox-head";
import { InboxList } from "./inbox-list";
import { type Kind, Outbox } from "./inbox-outbox";
import { Seen } from "./inbox-seen";
import { type Exchange, hasGap, nothing, position, reduce, type Talk } from "./inbox-talk";
import { Thread } from "./inbox-thread";
import { handling, problem, whyNot, words } from "./inbox-words";
import { Writer } from "./inbox-writer";
import { type Line, type Live, listen } from "./live";
import { setText } from "./page";

const PATIENCE_MS = 300;
const TYPING_MS = 5000;
const REDRAW_MS = 20_000;
const ASK_MS = 60_000;
const CHAT_IN_PATH = /([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})\/$/;

export function startInbox(): void {
  const page = document.getElementById("inbox");
  if (page) new Inbox(page);
}

/** Storage may be forbidden; the inbox then forgets with the page. */
function storage(kind: "localStorage" | "sessionStorage"): Storage | undefined {
  try {
    return window[kind];
  } catch {
    return undefined;
  }
}

const element = <E extends HTMLElement>(id: string): E => document.getElementById(id) as E;

class Inbox {
  readonly #page: HTMLElement;
  readonly #me: number;
  readonly #outbox: Outbox;
  readonly #list: InboxList;
  readonly #head: Head;
  readonly #thread: Thread;
  readonly #writer: Writer;
  readonly #live: Live;
  readonly #checked = new Set<string>();
  /** The chat that was chosen; what the socket tells is of `#told` until its next welcome. */
  #chat: string | undefined;
  #told: string | undefined;
  #talk: Talk = nothing("");
  #state: OpenChat | undefined;
  #notes: readonly Note[] = [];
  #isResuming = false;
  #isLive = false;
  #isDrawing = false;
  #typing = 0;
  #patience = 0;
  #waiting = 0;

  constructor(page: HTMLElement) {
    this.#page = page;
    const { me = "", owner = "" } = page.dataset;
    this.#me = Number(me);
    this.#outbox = new Outbox(owner, storage("sessionStorage"));
    const seen = new Seen(owner, storage("localStorage"));
    const chosen = (chat: string) => this.#choose(chat);
    const filtered = () => this.#filtered();
    const hasRefused = (chat: string) => this.#outbox.hasRefused(chat);
    const address = (chat: string) => this.#address(chat);
    this.#list = new InboxList({ chosen, filtered, hasRefused }, seen, this.#me, address);
    const again = (key: string) => this.#retry(key);
    const gone = (key: string) => this.#discard(key);
    this.#thread = new Thread({ retry: again, discard: gone }, page.dataset.why ?? "");
    this.#writer = new Writer({
      write: (kind, text) => this.#write(kind, text),
      sketch: (kind, text) => this.#chat && this.#outbox.sketch(kind, this.#chat, text),
      draft: (kind) => (this.#chat ? this.#outbox.draft(kind, this.#chat) : ""),
      typing: () => this.#chat && this.#send({ type: "typing", chat: this.#chat }),
    });
    const act = (type: Act) => this.#act(type);
    this.#head = new Head({ act, leave: () => this.#leave() }, page.dataset.detail ?? "");
    element("inbox-chat").addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.isComposing) this.#leave();
    });
    const line = connectionLine();
    this.#live = listen(
      "/ws/inbox",
      (frame) => this.#received(frame as ServerFrame),
      (now) => {
        line(now);
        this.#changed(now);
      },
    );
    window.addEventListener("popstate", () => this.#read());
    window.setInterval(() => this.#redraw(), REDRAW_MS);
    window.setInterval(() => this.#ask(), ASK_MS);
    document.addEventListener("visibilitychange", () => this.#list.render());
    this.#read();
  }

  // Where we are

  #address(chat?: string): string {
    const tab = this.#list?.tab ?? "waiting";
    return `${this.#page.dataset.address}${chat ? `${chat}/` : ""}${tab === "waiting" ? "" : `?tab=${tab}`}`;
  }

  /** The address says which tab is shown and which chat is open. */
  #read(): void {
    const tab = new URLSearchParams(location.search).get("tab") as Tab;
    this.#open(CHAT_IN_PATH.exec(location.pathname)?.[1]);
    this.#list.choose(TABS.includes(tab) ? tab : "waiting");
  }

  #filtered(): void {
    history.replaceState(null, "", this.#address(this.#chat));
    this.#ask();
  }

  /** Also once a minute: what the server tells of changes is a hint that may be lost. */
  #ask(): void {
    const { tab: filter, limit } = this.#list;
    this.#send({ type: "inbox.filter", filter, limit });
  }

  #choose(chat: string): void {
    if (chat !== this.#chat) {
      history.pushState(null, "", this.#address(chat));
      this.#open(chat);
    }
    this.#page.dataset.pane = "chat";
    if (this.#isNarrow()) element("chat-title").focus();
  }

  #leave(): void {
    const left = this.#chat;
    history.pushState(null, "", this.#address());
    this.#open(undefined);
    this.#list.focus(left);
  }

  #isNarrow(): boolean {
    return getComputedStyle(element("chat-back")).display !== "none";
  }

  #open(chat: string | undefined): void {
    if (chat === this.#chat) return;
    this.#chat = chat;
    this.#told = undefined;
    this.#talk = nothing(chat ?? "");
    this.#state = undefined;
    this.#notes = [];
    this.#page.dataset.pane = chat ? "chat" : "list";
    element("no-chat").hidden = chat !== undefined;
    element("chat-panes").hidden = true;
    setText(element("chat-notice"), "");
    setText(element("thread-typing"), "");
    this.#list.open = chat;
    this.#writer.recall();
    if (chat) this.#follow();
    else this.#send({ type: "chat.close" });
  }

  /** Ask to be told of the chosen chat: all of it, or what was missed since it was last told. */
  #follow(from?: Talk): void {
    const chat = this.#chat;
    if (!chat) return;
    this.#told = undefined;
    this.#isResuming = from !== undefined;
    this.#send({ type: "chat.open", chat, ...(from ? { resume: position(from) } : {}) });
  }

  // What the server says

  #received(frame: ServerFrame): void {
    switch (frame.type) {
      case "inbox":
        if (frame.filter !== this.#list.tab) return;
        this.#list.received(frame.chats, frame.counts);
        return this.#count(frame.counts.waiting);
      case "chat.state":
        if (frame.chat !== this.#chat) return;
        return this.#stateChanged(frame.state);
      case "notes":
        if (frame.chat === this.#chat) this.#notes = frame.notes;
        return this.#redraw();
      case "ack":
      case "noted":
        this.#outbox.drop(frame.client_message_id);
        return this.#redraw();
      case "typing":
        return this.#visitorTypes(frame.from);
      case "error":
        return this.#refused(frame);
      case "welcome":
        this.#told = frame.chat;
    }
    if (this.#told === this.#chat) this.#tell(frame);
  }

  #tell(frame: TalkFrame): void {
    const isResumed = frame.type === "welcome" && this.#isResuming;
    this.#talk = reduce(this.#talk, frame, isResumed);
    if (frame.type === "message") {
      this.#outbox.drop(frame.client_message_id);
      if (frame.from === "visitor") {
        this.#say(`${words.visitor}: ${frame.text}`);
        setText(element("thread-typing"), "");
      }
    }
    if (frame.type.startsWith("reply.") && frame.type !== "reply.delta")
      for (const one of this.#talk.exchanges) this.#check(one);
    this.#draw();
  }

  /** A text that is not what was kept is fetched anew, once. */
  #check(one: Exchange): void {
    const key = `${this.#talk.chat} ${one.exchange} ${one.epoch}`;
    if ((!one.sha256 && !hasGap(one)) || this.#checked.has(key)) return;
    this.#checked.add(key);
    if (hasGap(one)) return this.#follow();
    const { chat } = this.#talk;
    crypto.subtle?.digest("SHA-256", new TextEncoder().encode(one.response)).then((digest) => {
      const hex = Array.from(new Uint8Array(digest), (byte) => byte.toString(16).padStart(2, "0")).join("");
      if (hex !== one.sha256 && chat === this.#chat) this.#follow();
    });
  }

  #stateChanged(state: OpenChat): void {
    const wasMine = this.#isMine();
    const before = this.#state;
    this.#state = state;
    this.#head.ready();
    setText(element("chat-notice"), "");
    this.#redraw();
    if (before && handling(before, this.#me) !== handling(state, this.#me))
      this.#say(handling(state, this.#me));
    if (before && !wasMine && this.#isMine() && this.#writer.kind === "answer") this.#writer.focus();
  }

  #visitorTypes(from: string): void {
    if (from !== "visitor" || this.#told !== this.#chat) return;
    clearTimeout(this.#typing);
    setText(element("thread-typing"), words.typing);
    this.#typing = window.setTimeout(() => setText(element("thread-typing"), ""), TYPING_MS);
  }

  #refused(frame: ServerFrame & { type: "error" }): void {
    this.#head.ready();
    const why = problem(frame.code, frame.detail);
    if (frame.client_message_id) this.#outbox.refuse(frame.client_message_id, why);
    else if (frame.code === "no_such_chat" && frame.chat === this.#chat && !this.#state) this.#gone(why);
    else if (!frame.chat || frame.chat === this.#chat) setText(element("chat-notice"), why);
    this.#redraw();
  }

  #gone(why: string): void {
    this.#open(undefined);
    history.replaceState(null, "", this.#address());
    this.#say(why);
  }

  /** Back on the line: everything is asked for again, and what was kept goes out. */
  #changed(line: Line): void {
    this.#isLive = line === "live";
    this.#head.ready();
    clearTimeout(this.#patience);
    if (this.#isLive) element("chat-offline").hidden = true;
    else
      this.#patience = window.setTimeout(
        () => element("chat-offline").toggleAttribute("hidden", false),
        PATIENCE_MS,
      );
    if (this.#isLive) {
      this.#ask();
      this.#follow(this.#talk.seq ? this.#talk : undefined);
      for (const { kind, chat, key, text } of this.#outbox.due) this.#post(kind, chat, key, text);
    }
    this.#redraw();
  }

  // What staff do

  #act(type: Act): boolean {
    const isSent = this.#chat !== undefined && this.#send({ type, chat: this.#chat });
    setText(element("chat-notice"), isSent ? "" : words.offline);
    return isSent;
  }

  #write(kind: Kind, text: string): void {
    if (!this.#chat) return;
    const [chat, key] = [this.#chat, identifier()];
    this.#outbox.add({ kind, chat, key, text, at: new Date().toISOString() });
    this.#post(kind, chat, key, text);
    this.#redraw();
    this.#thread.toEnd();
  }

  #retry(key: string): void {
    const item = this.#outbox.retry(key);
    if (item) this.#post(item.kind, item.chat, item.key, item.text);
    this.#writer.focus();
    this.#redraw();
  }

  #discard(key: string): void {
    this.#outbox.drop(key);
    this.#writer.focus();
    this.#redraw();
  }

  #post(kind: Kind, chat: string, key: string, text: string): void {
    const type = kind === "note" ? "note" : "message.send";
    this.#send({ type, chat, client_message_id: key, text });
  }

  #send(frame: ClientFrame): boolean {
    return this.#live?.send(frame) ?? false;
  }

  // What is shown

  #isMine(): boolean {
    const { handled_by, assignee, resolved_at } = this.#state ?? {};
    return handled_by === "staff" && assignee === this.#me && !resolved_at;
  }

  #count(waiting: number): void {
    if (waiting > this.#waiting) this.#say(words.waiting(waiting));
    this.#waiting = waiting;
    document.title = document.title.replace(/^(\(\d+\) )?/, waiting ? `(${waiting}) ` : "");
  }

  #say(text: string): void {
    setText(element("announcer"), text);
  }

  /** Deltas come some forty times a second; they are drawn once a frame. */
  #draw(): void {
    if (this.#isDrawing) return;
    this.#isDrawing = true;
    requestAnimationFrame(() => {
      this.#isDrawing = false;
      this.#drawChat();
    });
  }

  #redraw(): void {
    this.#list.render();
    this.#drawChat();
  }

  #drawChat(): void {
    const state = this.#state;
    if (!state || !this.#chat) return;
    element("chat-panes").hidden = false;
    this.#head.update(state, this.#me, this.#isMine());
    this.#writer.update(whyNot(state, this.#me));
    element("earlier").hidden = !this.#talk.hasEarlier;
    this.#thread.update({
      talk: this.#talk,
      turns: state.turns,
      verdicts: state.verdicts ?? [],
      notes: this.#notes,
      unsent: this.#outbox.of(this.#chat),
      agent: state.agent,
      isLive: this.#isLive,
    });
  }
}
