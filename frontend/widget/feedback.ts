import { h, icon, icons, setAttribute } from "./dom";
import type { Thumb } from "./frames";
import type { Link } from "./socket";
import { words } from "./words";

/** Two thumbs under a finished answer of the agent; the one that was given stays pressed. */
export class Feedback {
  readonly element = h("div", { class: "feedback", role: "group", "aria-label": words.rating });
  readonly #thumbs = [thumb(1, words.helpful), thumb(-1, words.unhelpful)] as const;

  constructor(rate: (value: Thumb) => void) {
    this.element.hidden = true;
    for (const { button, value } of this.#thumbs) {
      button.addEventListener("click", () => isFree(button) && rate(value));
      this.element.append(button);
    }
  }

  update(given: number | undefined, link: Link): void {
    for (const { button, value, label } of this.#thumbs) {
      setAttribute(button, "aria-pressed", String(value === given));
      setAttribute(button, "aria-disabled", String(link !== "online"));
      setAttribute(button, "title", link === "online" ? label : words.noConnection);
    }
  }
}

const isFree = (button: Element): boolean =>
  button.getAttribute("aria-disabled") === "false" && button.getAttribute("aria-pressed") === "false";

function thumb(value: Thumb, label: string): { button: HTMLButtonElement; value: Thumb; label: string } {
  const attributes = { type: "button", class: "thumb", "aria-label": label, "data-value": `${value}` };
  return { button: h("button", attributes, icon(icons.up)), value, label };
}
