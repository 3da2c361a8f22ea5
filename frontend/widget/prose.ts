import { h } from "./dom";
import type { Citation } from "./frames";
import { Markdown } from "./markdown";
import { fill, words } from "./words";

/** What is known of the numbers in an answer's text: whether a number is a source (undefined: not told yet), and which. */
export interface Cited {
  isSource(number: number): boolean | undefined;
  find(number: number): Citation | undefined;
  open(number: number): void;
}

interface Marker {
  number: number;
  node: ChildNode;
  label: string;
}

/** An answer as it is read. A longer text continues the one before it; the same path writes it whether it streams or stands. */
export class Prose {
  readonly #element: HTMLElement;
  readonly #cited: Cited;
  #markdown: Markdown | undefined;
  #markers: Marker[] = [];
  #written = "";
  #isEnded = false;

  constructor(element: HTMLElement, cited: Cited) {
    this.#element = element;
    this.#cited = cited;
  }

  write(text: string, isEnded: boolean): void {
    const goesOn = text.startsWith(this.#written) && (!this.#isEnded || (isEnded && text === this.#written));
    if (!this.#markdown || !goesOn) this.#begin();
    if (text.length > this.#written.length) this.#markdown?.write(text.slice(this.#written.length));
    this.#written = text;
    if (isEnded && !this.#isEnded) this.#markdown?.end();
    this.#isEnded = isEnded;
  }

  /** Markers become buttons when their source is told, and plain text where there is none. */
  cite(): void {
    for (const marker of this.#markers) {
      const label = this.#label(marker.number);
      if (label === marker.label) continue;
      const node = this.#node(marker.number, label);
      marker.node.replaceWith(node);
      Object.assign(marker, { node, label });
    }
  }

  /** The same words without the markers, for who listens. */
  get spoken(): string {
    const copy = this.#element.cloneNode(true) as HTMLElement;
    for (const marker of copy.querySelectorAll(".marker")) marker.remove();
    const blocks = Array.from(copy.children, ({ textContent }) => textContent?.trim());
    return blocks.filter(Boolean).join(" ");
  }

  #begin(): void {
    this.#element.replaceChildren();
    this.#markers = [];
    this.#written = "";
    this.#isEnded = false;
    this.#markdown = new Markdown(this.#element, (number) => this.#mark(number));
  }

  #mark(number: number): Node {
    const label = this.#label(number);
    const node = this.#node(number, label);
    this.#markers.push({ number, node, label });
    return node;
  }

  #label(number: number): string {
    if (this.#cited.isSource(number) === false) return "-";
    const source = this.#cited.find(number);
    return source ? fill(words.source, { number: `${number}`, title: source.title }) : "";
  }

  #node(number: number, label: string): ChildNode {
    if (label === "-") return document.createTextNode(`[${number}]`);
    if (!label) return h("span", { class: "marker" }, `${number}`);
    const attributes = { type: "button", class: "marker", "aria-label": label, title: label };
    const marker = h("button", attributes, `${number}`);
    marker.addEventListener("click", () => this.#cited.open(number));
    return marker;
  }
}
