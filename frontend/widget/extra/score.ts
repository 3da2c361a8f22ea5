import { h, setAttribute, setText } from "../dom";
import { words } from "./words";

const SCORES = [1, 2, 3, 4, 5] as const;

/** Five faces of one question, at the end of a conversation; the last answer counts. */
export class Score {
  readonly element = h("div", { class: "score", role: "group", "aria-label": words.satisfaction });
  readonly #question = h("p", {}, words.satisfaction);
  readonly #buttons: HTMLButtonElement[];

  constructor(score: (value: number) => void) {
    this.#buttons = SCORES.map((value) => {
      const label = `${value}: ${words[`score${value}`]}`;
      const button = h(
        "button",
        { type: "button", class: "scored", "aria-label": label, title: label },
        `${value}`,
      );
      button.addEventListener("click", () => score(value));
      return button;
    });
    const ends = h(
      "p",
      { class: "ends", "aria-hidden": "true" },
      h("span", {}, words.score1),
      h("span", {}, words.score5),
    );
    this.element.append(this.#question, h("div", {}, ...this.#buttons), ends);
    this.element.hidden = true;
  }

  update(isOffered: boolean, given: number | undefined, isOwed: boolean): void {
    this.element.hidden = !isOffered;
    const thanks = isOwed ? words.owed : words.scored;
    setText(this.#question, given === undefined ? words.satisfaction : thanks);
    for (const [index, button] of this.#buttons.entries())
      setAttribute(button, "aria-pressed", String(given === index + 1));
  }
}
