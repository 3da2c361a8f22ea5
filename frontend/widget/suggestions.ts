import { h } from "./dom";
import { words } from "./words";

/** Questions that others ask, for whoever does not know where to begin; gone once something was said. */
export class Suggestions {
  readonly element = h("div", { class: "suggestions", role: "group", "aria-label": words.suggestions });
  readonly #ask: (question: string) => void;
  #shown = "";

  constructor(ask: (question: string) => void) {
    this.#ask = ask;
    this.element.hidden = true;
  }

  update(questions: readonly string[]): void {
    const shown = JSON.stringify(questions);
    this.element.hidden = questions.length === 0;
    if (shown === this.#shown) return;
    this.#shown = shown;
    this.element.replaceChildren(...questions.map((question) => this.#button(question)));
  }

  #button(question: string): HTMLButtonElement {
    const button = h("button", { type: "button", class: "suggestion", dir: "auto" }, question);
    button.addEventListener("click", () => this.#ask(question));
    return button;
  }
}
