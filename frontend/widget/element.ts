import { Look } from "./appearance";
import { Conversation } from "./conversation";
import { download } from "./extras";
import type { Facts } from "./frames";
import { Launcher } from "./launcher";
import { choose, learn } from "./locale";
import { Memory } from "./memory";
import { Pace } from "./pace";
import { Panel } from "./panel";
import type { Said } from "./report";
import { dress } from "./sheet";
import { attend } from "./surroundings";
import { words } from "./words";

export interface OpenOptions {
  message?: string;
  send?: boolean;
}

/** Where a keyboard on the screen would cover what is to be read first. */
const COARSE = window.matchMedia("(pointer: coarse)");
const REDRAWN = ["data-theme", "data-color", "data-position", "data-radius", "data-title", "data-greeting"];

/** `<chat-with-us data-agent="…">`: a launcher and, once opened, the conversation. It connects only when opened. */
export class ChatWithUsElement extends HTMLElement {
  static readonly observedAttributes = ["data-locale", "data-launcher", ...REDRAWN];
  /** Where this script came from; `data-host` on the element says otherwise. */
  static origin = location.origin;

  readonly #look = new Look(this);
  readonly #pace = new Pace(() => this.#update());
  readonly #launcher = new Launcher(
    () => void this.open(),
    (count) => this.emit("unread", { count }),
  );
  #panel: Panel | undefined;
  #conversation: Conversation | undefined;
  #before: Element | null = null;
  #jwt = "";
  #facts: { context?: Facts; attributes?: Facts } = {};
  #leave = (): void => undefined;
  #isOpen = false;

  connectedCallback(): void {
    if (!this.shadowRoot) this.#build();
    this.#leave = attend({
      awake: this.#awake,
      repaint: () => this.#look.apply(),
      resized: this.#fit,
    });
    const { appearance, isAwaited } = new Memory(this.dataset.agent ?? "").load();
    this.#look.take(appearance);
    this.#look.apply();
    this.#update();
    if (this.dataset.open !== undefined) void this.open();
    else if (this.isOpen || isAwaited) void this.#furnish().then((it) => it?.conversation.start());
  }

  disconnectedCallback(): void {
    this.#leave();
    this.#conversation?.end();
  }

  attributeChangedCallback(name: string): void {
    if (!this.shadowRoot) return;
    if (name === "data-locale") void this.#translate();
    this.#look.apply();
    this.#pace.ask();
  }

  get host(): string {
    return (this.dataset.host || ChatWithUsElement.origin).replace(/\/+$/, "");
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  get locale(): string {
    return choose(this.dataset.locale, document.documentElement.lang, ...navigator.languages);
  }

  open = async ({ message, send }: OpenOptions = {}): Promise<void> => {
    const wasOpen = this.#isOpen;
    this.#isOpen = true;
    if (!wasOpen) this.#before = document.activeElement;
    const it = await this.#furnish();
    if (!it || !this.#isOpen) return;
    it.conversation.start();
    it.panel.element.hidden = false;
    this.#fit();
    if (!wasOpen) this.emit("opened");
    this.#seen();
    this.#update();
    if (message !== undefined && send) this.send(message);
    else if (message !== undefined) it.panel.composer.text ||= message;
    if (COARSE.matches) it.panel.element.focus({ preventScroll: true });
    else it.panel.composer.focus();
  };

  close = (): void => {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    const wasWithin = document.activeElement === this;
    if (this.#panel) this.#panel.element.hidden = true;
    this.#update();
    const { element } = this.#launcher;
    const back = element.hidden ? this.#before : element;
    if (wasWithin && back instanceof HTMLElement) back.focus({ preventScroll: true });
    this.emit("closed");
  };

  toggle = (): void => (this.isOpen ? this.close() : void this.open());

  /** Says something for the visitor without opening. */
  send = (text: string): void => {
    if (typeof text !== "string" || !text.trim()) return;
    void this.#furnish().then((it) => {
      it?.panel.thread.toEnd();
      it?.conversation.send(text.trim());
    });
  };

  /** The page's server says who the visitor is, by a JWT; nothing else does. */
  identify = ({ jwt }: { jwt?: string } = {}): void => {
    if (typeof jwt !== "string" || !jwt) return;
    this.#jwt = jwt;
    this.#conversation?.identify(jwt);
  };

  tellFacts(facts: { context?: Facts; attributes?: Facts }): void {
    this.#facts = { ...this.#facts, ...facts };
    this.#conversation?.tellFacts(facts);
  }

  fresh = (): void => this.#conversation?.fresh();

  /** As if nobody had ever been here. */
  reset = (): void => {
    this.#jwt = "";
    this.#facts = {};
    this.#launcher.unread.count = 0;
    this.#conversation ??= this.#converse();
    this.#conversation.reset();
    if (this.#panel) this.#panel.composer.text = "";
    this.close();
  };

  emit(name: string, detail: unknown = {}): void {
    window.dispatchEvent(new CustomEvent(`chatwithus:${name}`, { detail }));
  }

  #build(): void {
    dress(this.attachShadow({ mode: "open" }));
    this.shadowRoot?.append(this.#launcher.element);
  }

  /** The panel and its connection are made on first use, in the visitor's language: a page that nobody asks on pays for a button. */
  async #furnish(): Promise<{ panel: Panel; conversation: Conversation } | undefined> {
    const { locale } = this;
    await learn(this.host, locale);
    if (!this.isConnected) return undefined;
    if (locale !== this.locale) return this.#furnish();
    this.#conversation ??= this.#converse();
    this.#panel ??= this.#furnishPanel(this.#conversation);
    return { panel: this.#panel, conversation: this.#conversation };
  }

  #converse(): Conversation {
    const conversation = new Conversation(this.host, this.dataset.agent ?? "", {
      changed: this.#pace.ask,
      said: (message) => this.#said(message),
      happened: (name, detail) => this.emit(name, detail),
      failed: ({ code, detail }) => this.emit("error", { code, detail }),
      read: () => this.#read(),
    });
    if (this.#jwt) conversation.identify(this.#jwt);
    conversation.tellFacts(this.#facts);
    return conversation;
  }

  #furnishPanel(conversation: Conversation): Panel {
    const panel = new Panel(this.host, {
      close: this.close,
      send: this.send,
      stop: () => conversation.stop(),
      typed: () => conversation.typed(),
      drafted: (text) => {
        conversation.draft = text;
      },
      person: () => conversation.askForPerson(),
      rate: (exchange, value, comment) => conversation.rate(exchange, value, comment),
      score: (value) => conversation.score(value),
      leaveEmail: (address) => conversation.leaveEmail(address),
      retry: (exchange) => {
        panel.thread.toEnd();
        conversation.retry(exchange);
      },
      again: conversation.again,
      fresh: this.fresh,
      download: () => download(this.host, conversation.state).catch(() => conversation.complain("download")),
    });
    panel.composer.text = conversation.draft;
    panel.element.hidden = !this.isOpen;
    panel.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation();
      this.close();
    });
    this.shadowRoot?.append(panel.element, panel.thread.announcer);
    return panel;
  }

  /** A panel in another language is another panel: everything in it is drawn from the conversation anyway. */
  async #translate(): Promise<void> {
    if (!this.#conversation || (await learn(this.host, this.locale)) === this.#panel?.element.lang) return;
    this.#panel?.element.remove();
    this.#panel?.thread.announcer.remove();
    this.#panel = this.#furnishPanel(this.#conversation);
    this.#update();
  }

  #said(message: Said): void {
    if (message.role !== "visitor" && !this.#isSeen) this.#launcher.unread.count += 1;
    if (message.role === "staff")
      this.#panel?.thread.say(`${message.name || words.aPerson}: ${message.text}`);
    this.#seen();
    this.emit("message", message);
  }

  get #isSeen(): boolean {
    return this.isOpen && !document.hidden;
  }

  #seen(): void {
    if (!this.#isSeen) return;
    this.#read();
    this.#conversation?.seen();
  }

  #read(): void {
    this.#launcher.unread.count = 0;
    this.#pace.ask();
  }

  #update(): void {
    const isHidden = this.isOpen || this.#look.get("launcher") === "hidden";
    this.#launcher.update(this.locale, this.#panel !== undefined, isHidden);
    const conversation = this.#conversation;
    if (!conversation) return;
    const { state, link, code, canStop, canBegin } = conversation;
    this.#look.take(state.agent?.appearance);
    const [title, greeting] = [this.#look.get("title"), this.dataset.greeting ?? ""];
    this.#panel?.update(state, { link, code, canStop, canBegin, title, greeting });
  }

  #awake = (): void => {
    this.#launcher.unread.title();
    if (!document.hidden) this.#conversation?.again();
    this.#seen();
    this.#pace.ask();
  };

  /** Keeps a full-screen panel inside what an on-screen keyboard leaves visible. */
  #fit = (): void => {
    const { height, offsetTop } = window.visualViewport ?? { height: innerHeight, offsetTop: 0 };
    this.#panel?.element.style.setProperty("--visible-height", `${height}px`);
    this.#panel?.element.style.setProperty("--visible-top", `${offsetTop}px`);
  };
}
