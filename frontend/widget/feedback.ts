import type { Link } from "./connection";
import { h, icon, icons, setAttribute, setText } from "./dom";
import type { Thumb } from "./frames";
import type { Exchange } from "./reply";
import { words } from "./words";

type Rate = (value: Thumb, comment?: string) => void;

/** Two thumbs under a finished answer of the agent, and after one of them room for a word about why. */
export class Feedback {
  readonly element = h("div", { class: "feedback" });
  readonly #thumbs = [thumb(1, words.helpful), thumb(-1, words.unhelpful)] as const;
  readonly #field = h("textarea", { rows: "2", dir: "auto", maxlength: "1000" });
  readonly #form = h("form", { class: "comment" });
  readonly #thanks = h("p", { class: "status", role: "status" });
  #rated: Thumb | undefined;

  constructor(rate: Rate) {
    this.element.hidden = true;
    const group = h("div", { role: "group", "aria-label": words.rating });
    for (const { button, value } of this.#thumbs) {
      button.addEventListener("click", () => isFree(button) && this.#rate(value, rate));
      group.append(button);
    }
    this.#form.append(this.#field, h("button", { type: "submit", class: "quiet" }, words.commentSend));
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#comment(rate);
    });
    this.element.append(group, this.#form, this.#thanks);
  }

  update({ feedback, comment }: Exchange, link: Link): void {
    for (const { button, value, label } of this.#thumbs) {
      setAttribute(button, "aria-pressed", String(value === feedback));
      setAttribute(button, "aria-disabled", String(link !== "online"));
      setAttribute(button, "title", link === "online" ? label : words.noConnection);
    }
    setAttribute(this.#field, "aria-label", feedback === 1 ? words.commentGood : words.commentLabel);
    setAttribute(this.#field, "placeholder", feedback === 1 ? words.commentGood : words.commentLabel);
    this.#form.hidden = feedback === undefined || feedback !== this.#rated || comment !== undefined;
    setText(this.#thanks, comment === undefined ? "" : words.thanks);
  }

  #rate(value: Thumb, rate: Rate): void {
    this.#rated = value;
    rate(value);
  }

  #comment(rate: Rate): void {
    const text = this.#field.value.trim();
    if (this.#rated !== undefined && text) rate(this.#rated, text);
    else this.#field.focus();
  }
}

const isFree = (button: Element): boolean =>
  button.getAttribute("aria-disabled") === "false" && button.getAttribute("aria-pressed") === "false";

function thumb(value: Thumb, label: string): { button: HTMLButtonElement; value: Thumb; label: string } {
  const attributes = { type: "button", class: "thumb", "aria-label": label, "data-value": `${value}` };
  return { button: h("button", attributes, icon(icons.up)), value, label };
}
