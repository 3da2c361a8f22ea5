import { h, icon, icons, setAttribute, setText } from "./dom";
import { characters, LIMIT, WARN_FROM } from "./length";
import { counted, fill, words } from "./words";

interface Hooks {
  send(text: string): void;
  stop(): void;
  typed(): void;
  /** What is written so far, to be kept wherever the visitor goes. */
  drafted(text: string): void;
}

/** Where the visitor writes; nothing is cut off silently, and a draft survives everything but sending it. */
export class Composer {
  readonly element = h("form", { class: "composer", part: "composer" });
  readonly #field = h("textarea", {
    rows: "1",
    "aria-label": words.message,
    placeholder: words.placeholder,
    dir: "auto",
  });
  readonly #counter = h("p", { class: "counter", id: "counter", role: "status", "data-testid": "counter" });
  readonly #send = h(
    "button",
    { type: "submit", class: "round", "aria-label": words.send },
    icon(icons.send),
  );
  readonly #stop = h(
    "button",
    { type: "button", class: "round stop", "aria-label": words.stop },
    icon(icons.stop),
  );
  readonly #hooks: Hooks;

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
    this.#field.setAttribute("aria-describedby", "counter");
    this.element.append(this.#counter, h("div", { class: "box" }, this.#field, this.#stop, this.#send));
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.submit();
    });
    this.#field.addEventListener("input", () => {
      this.#measure();
      hooks.drafted(this.text);
      if (this.text) hooks.typed();
    });
    this.#field.addEventListener("keydown", this.#pressed);
    this.#stop.addEventListener("click", () => {
      if (this.#stop.getAttribute("aria-disabled") === "false") hooks.stop();
      this.focus();
    });
    this.#measure();
  }

  get text(): string {
    return this.#field.value.trim();
  }

  set text(text: string) {
    this.#field.value = text;
    this.#measure();
  }

  /** While an answer runs its place is taken by "stop", until there is something to send. */
  update(isAnswering: boolean, isOnline: boolean): void {
    this.#stop.hidden = !isAnswering;
    setAttribute(this.#stop, "aria-disabled", String(!isOnline));
    this.#stop.title = isOnline ? words.stop : words.noConnection;
    this.#arrange();
  }

  #arrange(): void {
    this.#send.hidden = !this.#stop.hidden && this.text === "";
  }

  focus(): void {
    this.#field.focus({ preventScroll: true });
  }

  submit(): void {
    const text = this.text;
    if (!text || characters(text) > LIMIT) return this.focus();
    this.text = "";
    this.#hooks.drafted("");
    this.#hooks.send(text);
    this.focus();
  }

  #pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.submit();
  };

  #measure(): void {
    this.#arrange();
    const used = characters(this.text);
    const counter = used > WARN_FROM ? fill(words.left, { used, limit: LIMIT }) : "";
    setText(this.#counter, used > LIMIT ? counted("over", used - LIMIT) : counter);
    setAttribute(this.#field, "aria-invalid", String(used > LIMIT));
    setAttribute(this.#send, "aria-disabled", String(used === 0 || used > LIMIT));
    this.#send.title = used === 0 ? words.emptyReason : words.send;
    this.#field.style.height = "auto";
    if (this.#field.scrollHeight) this.#field.style.height = `${this.#field.scrollHeight}px`;
  }
}
