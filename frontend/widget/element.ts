import { Conversation, type Said } from "./conversation";
import { h, icon, icons, setAttribute, setText } from "./dom";
import { Panel } from "./panel";
import css from "./styles.css";
import { words } from "./words";

export interface OpenOptions {
  message?: string;
  send?: boolean;
}

/** `<chat-with-us data-agent="…">`: a launcher and, once opened, the conversation. It connects only when opened. */
export class ChatWithUsElement extends HTMLElement {
  /** Where this script came from; `data-host` on the element says otherwise. */
  static origin = location.origin;

  readonly #badge = h("span", { class: "badge", "aria-hidden": "true" });
  readonly #launcher = h(
    "button",
    { type: "button", class: "launcher", part: "launcher" },
    icon(icons.chat),
    this.#badge,
  );
  #panel: Panel | undefined;
  #conversation: Conversation | undefined;
  #before: Element | null = null;
  #jwt = "";
  #isQueued = false;
  #unread = 0;

  connectedCallback(): void {
    if (!this.shadowRoot) this.#build();
    if (this.dataset.zIndex) this.style.zIndex = this.dataset.zIndex;
    window.addEventListener("online", this.#awake);
    window.addEventListener("offline", this.#render);
    document.addEventListener("visibilitychange", this.#awake);
    window.visualViewport?.addEventListener("resize", this.#fit);
    window.visualViewport?.addEventListener("scroll", this.#fit);
    this.#render();
    if (this.dataset.open !== undefined) this.open();
    else if (this.isOpen) this.#conversation?.start();
  }

  disconnectedCallback(): void {
    window.removeEventListener("online", this.#awake);
    window.removeEventListener("offline", this.#render);
    document.removeEventListener("visibilitychange", this.#awake);
    window.visualViewport?.removeEventListener("resize", this.#fit);
    window.visualViewport?.removeEventListener("scroll", this.#fit);
    this.#conversation?.end();
  }

  get isOpen(): boolean {
    return this.#panel?.element.hidden === false;
  }

  open = ({ message, send }: OpenOptions = {}): void => {
    const { panel, conversation } = this.#furnish();
    conversation.start();
    if (!this.isOpen) {
      this.#before = document.activeElement;
      panel.element.hidden = false;
      this.#unread = 0;
      this.#fit();
      this.emit("opened");
    }
    this.#update();
    if (message !== undefined && send) this.send(message);
    else if (message !== undefined) panel.composer.text ||= message;
    panel.composer.focus();
  };

  close = (): void => {
    if (!this.#panel || !this.isOpen) return;
    this.#panel.element.hidden = true;
    this.#update();
    const back = this.#launcher.hidden ? this.#before : this.#launcher;
    if (back instanceof HTMLElement) back.focus({ preventScroll: true });
    this.emit("closed");
  };

  toggle = (): void => (this.isOpen ? this.close() : this.open());

  /** Says something for the visitor without opening. */
  send = (text: string): void => {
    const { panel, conversation } = this.#furnish();
    if (typeof text !== "string" || !text.trim()) return;
    panel.thread.toEnd();
    conversation.send(text.trim());
  };

  /** The page's server says who the visitor is, by a JWT; nothing else does. */
  identify = ({ jwt }: { jwt?: string } = {}): void => {
    if (typeof jwt !== "string" || !jwt) return;
    this.#jwt = jwt;
    this.#conversation?.identify(jwt);
  };

  emit(name: string, detail: unknown = {}): void {
    window.dispatchEvent(new CustomEvent(`chatwithus:${name}`, { detail }));
  }

  #build(): void {
    const root = this.attachShadow({ mode: "open" });
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    root.adoptedStyleSheets = [sheet];
    this.#launcher.setAttribute("aria-haspopup", "dialog");
    this.#launcher.addEventListener("click", () => this.open());
    root.append(this.#launcher);
  }

  /** The panel and its connection are made on first use: a page that nobody asks on pays for a button. */
  #furnish(): { panel: Panel; conversation: Conversation } {
    this.#conversation ??= new Conversation(
      this.dataset.host || ChatWithUsElement.origin,
      this.dataset.agent ?? "",
      {
        changed: this.#render,
        said: (message) => this.#said(message),
        happened: (name, detail) => this.emit(name, detail),
        failed: ({ code, detail }) => this.emit("error", { code, detail }),
      },
    );
    const conversation = this.#conversation;
    if (this.#jwt) conversation.identify(this.#jwt);
    this.#panel ??= this.#furnishPanel(conversation);
    return { panel: this.#panel, conversation };
  }

  #furnishPanel(conversation: Conversation): Panel {
    const panel = new Panel({
      close: this.close,
      send: this.send,
      stop: () => conversation.stop(),
      typed: () => conversation.typed(),
      person: () => conversation.askForPerson(),
      rate: (exchange, value) => conversation.rate(exchange, value),
      retry: (exchange) => {
        panel.thread.toEnd();
        conversation.retry(exchange);
      },
      again: conversation.again,
    });
    panel.element.hidden = true;
    panel.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.stopPropagation();
      this.close();
    });
    this.shadowRoot?.append(panel.element, panel.thread.announcer);
    return panel;
  }

  #said(message: Said): void {
    if (message.role !== "visitor" && !this.isOpen) this.#unread += 1;
    if (message.role === "staff")
      this.#panel?.thread.say(`${message.name || words.aPerson}: ${message.text}`);
    this.emit("message", message);
  }

  /** At most one drawing a frame, however many deltas arrive in it. */
  #render = (): void => {
    if (this.#isQueued) return;
    this.#isQueued = true;
    const draw = () => {
      this.#isQueued = false;
      this.#update();
    };
    if (document.hidden) window.setTimeout(draw, 100);
    else requestAnimationFrame(draw);
  };

  #update(): void {
    setText(this.#badge, this.#unread ? String(this.#unread) : "");
    const label = this.#unread ? `${words.open}, ${words.unread(this.#unread)}` : words.open;
    setAttribute(this.#launcher, "aria-label", label);
    this.#launcher.hidden = this.isOpen || this.dataset.launcher === "hidden";
    const conversation = this.#conversation;
    if (!conversation) return;
    const { state, link, code } = conversation;
    this.#panel?.update(state, link, code, this.dataset.title ?? "", this.dataset.greeting ?? "");
  }

  #awake = (): void => {
    if (!document.hidden) this.#conversation?.again();
    this.#render();
  };

  /** Keeps a full-screen panel inside what an on-screen keyboard leaves visible. */
  #fit = (): void => {
    const { height, offsetTop } = window.visualViewport ?? { height: innerHeight, offsetTop: 0 };
    this.#panel?.element.style.setProperty("--visible-height", `${height}px`);
    this.#panel?.element.style.setProperty("--visible-top", `${offsetTop}px`);
  };
}
