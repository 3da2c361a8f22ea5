import { characters, LIMIT } from "../widget/length";
import type { Kind } from "./inbox-outbox";
import { words } from "./inbox-words";
import { setText } from "./page";

const TYPING_EVERY_MS = 3000;

interface Hooks {
  write(kind: Kind, text: string): void;
  sketch(kind: Kind, text: string): void;
  draft(kind: Kind): string;
  typing(): void;
}

/** Where staff write: an answer that the visitor sees, or a note that only colleagues see. It never mistakes one for the other. */
export class Writer {
  readonly #form = document.getElementById("writer") as HTMLFormElement;
  readonly #text = document.getElementById("writer-text") as HTMLTextAreaElement;
  readonly #send = document.getElementById("writer-send") as HTMLButtonElement;
  readonly #hint = document.getElementById("writer-hint") as HTMLElement;
  readonly #hooks: Hooks;
  #whyNot = "";
  #lastTyping = 0;

  constructor(hooks: Hooks) {
    this.#hooks = hooks;
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener("change", ({ target }) => {
      if (target instanceof HTMLInputElement) this.recall();
    });
    this.#text.addEventListener("input", this.#typed);
    this.#text.addEventListener("keydown", this.#pressed);
  }

  get kind(): Kind {
    return new FormData(this.#form).get("kind") === "note" ? "note" : "answer";
  }

  /** Why the visitor cannot be answered now; empty where they can. */
  update(whyNot: string): void {
    this.#whyNot = whyNot;
    this.#show();
  }

  /** Another chat, or the other kind: what was begun there is there again. */
  recall(): void {
    this.#text.value = this.#hooks.draft(this.kind);
    this.#show();
  }

  focus(): void {
    this.#text.focus({ preventScroll: true });
  }

  #submit(): void {
    const text = this.#text.value.trim();
    if (!text || characters(text) > LIMIT || (this.kind === "answer" && this.#whyNot)) return this.focus();
    this.#hooks.write(this.kind, text);
    this.#hooks.sketch(this.kind, "");
    this.recall();
    this.focus();
  }

  #typed = (): void => {
    this.#hooks.sketch(this.kind, this.#text.value);
    this.#show();
    if (this.kind === "note" || this.#whyNot || Date.now() - this.#lastTyping < TYPING_EVERY_MS) return;
    this.#lastTyping = Date.now();
    this.#hooks.typing();
  };

  #pressed = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    this.#submit();
  };

  #show(): void {
    const isNote = this.kind === "note";
    const whyNot = isNote ? "" : this.#whyNot;
    const extra = characters(this.#text.value.trim()) - LIMIT;
    this.#form.dataset.kind = this.kind;
    this.#text.setAttribute("aria-label", isNote ? words.noteLabel : words.answerLabel);
    this.#text.readOnly = whyNot !== "";
    this.#text.hidden = whyNot !== "" && this.#text.value === "";
    this.#send.hidden = whyNot !== "";
    this.#text.setAttribute("aria-invalid", String(extra > 0));
    this.#form.toggleAttribute("data-closed", whyNot !== "");
    const hint = whyNot || (isNote ? words.noteHint : words.answerHint);
    setText(this.#hint, extra > 0 ? words.tooLong(extra) : hint);
    setText(this.#send, isNote ? words.addNote : words.send);
    const canSend = !whyNot && extra <= 0 && this.#text.value.trim() !== "";
    this.#send.setAttribute("aria-disabled", String(!canSend));
    this.#text.style.height = "auto";
    if (this.#text.scrollHeight) this.#text.style.height = `${this.#text.scrollHeight + 2}px`;
  }
}
