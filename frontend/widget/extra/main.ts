/** What is wanted at the end of a conversation, if at all: a bundle of its own, fetched once the server offers it. */

import type { Link } from "../connection";
import { h } from "../dom";
import type { Transcript } from "../transcript";
import { Email } from "./email";
import { Score } from "./score";
import css from "./styles.css";

export { download } from "./download";
export { speak } from "./words";

export interface ClosingHooks {
  score(value: number): void;
  leaveEmail(address: string): void;
}

/** Its part of the style sheet comes with it. */
export function dress(root: ShadowRoot): void {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(css);
  root.adoptedStyleSheets.push(sheet);
}

export class Closing {
  readonly element: HTMLElement;
  readonly #score: Score;
  readonly #email: Email;

  constructor(hooks: ClosingHooks) {
    this.#score = new Score(hooks.score);
    this.#email = new Email(hooks.leaveEmail);
    this.element = h("div", {}, this.#email.element, this.#score.element);
  }

  /** What was left offline is told to be kept; `owed` and `link` come from newer pages than this bundle may serve. */
  update({ offers, isResolved, csat, handledBy, queue, hasEmail, owed = [] }: Transcript, link?: Link): void {
    const score = owed.find((frame) => frame.type === "csat");
    const isKept = link !== "online";
    this.#score.update(isResolved && offers.includes("csat"), score?.value ?? csat, isKept && !!score);
    const isWaiting = handledBy === "waiting";
    const isAlone = isWaiting && queue?.attended === false;
    const isOwed = isKept && owed.some((frame) => frame.type === "email");
    this.#email.update(isAlone && offers.includes("email"), isWaiting && hasEmail, isOwed);
  }
}
