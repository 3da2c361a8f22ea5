import { h, setText } from "../dom";
import { words } from "./words";

/** Where to answer somebody who cannot wait. */
export class Email {
  readonly element = h("form", { class: "email" });
  readonly #field = h("input", {
    type: "email",
    autocomplete: "email",
    required: "",
    dir: "ltr",
    id: "email",
  });
  readonly #button = h("button", { type: "submit", class: "quiet" }, words.emailSend);
  readonly #kept = h("p", { class: "status", role: "status" });
  readonly #row: HTMLElement;

  constructor(leave: (address: string) => void) {
    this.#row = h("div", {}, h("label", { for: "email" }, words.emailLabel), this.#field, this.#button);
    this.element.hidden = true;
    this.element.append(this.#row, this.#kept);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      leave(this.#field.value.trim());
    });
  }

  update(isOffered: boolean, isKept: boolean, isOwed: boolean): void {
    this.element.hidden = !isOffered && !isKept;
    this.#row.hidden = isKept;
    setText(this.#kept, isOwed ? words.owed : isKept ? words.emailKept : "");
  }
}
