import { h, setText } from "./dom";
import { dots } from "./exchange";
import type { Transcript } from "./transcript";
import { fill, words } from "./words";

/** The last line of the conversation: who is awaited, who is typing, how to go on. */
export class Presence {
  readonly element = h("div", { class: "presence", "data-testid": "presence" });
  readonly #text = h("span", { dir: "auto" });
  readonly #typing = dots("");

  constructor() {
    this.element.append(this.#typing, this.#text);
  }

  /** Returns what is worth saying aloud, once. */
  update(state: Transcript): string {
    const text = presence(state);
    const isNew = this.#text.textContent !== text;
    setText(this.#text, text);
    this.#typing.hidden = state.typing === undefined;
    this.element.dataset.state = state.isResolved ? "resolved" : state.handledBy;
    this.element.hidden = text === "";
    return isNew && state.typing === undefined ? text : "";
  }
}

function presence({ typing, name, handledBy, by, isResolved, queue }: Transcript): string {
  if (typing) return fill(words.typing, { name: typing.name ?? name ?? words.aPerson });
  if (isResolved) return words.startAgain;
  if (handledBy !== "waiting") return "";
  if (queue?.attended === false) return words.nobody;
  const place = queue?.position ? ` ${fill(words.place, { place: queue.position })}` : "";
  return (by === "visitor" ? words.youAsked : words.waiting) + place;
}
