import { OUTWARD, quotedAddress } from "./address";
import { h } from "./dom";
import type { Citation } from "./frames";
import { fill, language, words } from "./words";

/** The numbered sources under an answer; each opens to the words that were quoted. */
export class Sources {
  readonly element = h("ol", {
    class: "sources",
    part: "sources",
    role: "list",
    "aria-label": words.sources,
  });
  #shown: readonly Citation[] = [];

  constructor() {
    this.element.hidden = true;
  }

  update(citations: readonly Citation[]): void {
    if (citations === this.#shown) return;
    this.#shown = citations;
    this.element.hidden = citations.length === 0;
    this.element.replaceChildren(...citations.map(item));
  }

  open(number: number): void {
    const details = this.element.querySelector<HTMLDetailsElement>(`[data-source="${number}"] details`);
    if (!details) return;
    details.open = true;
    details.querySelector("summary")?.focus();
    details.scrollIntoView({ block: "nearest" });
  }
}

function item({ number, title, quote, url, page, at }: Citation): HTMLLIElement {
  const label = h("span", { class: "source-title", title }, title);
  label.dir = "auto";
  const body = h("blockquote", { dir: "auto" }, quote);
  const details = h(
    "details",
    {},
    h("summary", {}, h("span", { class: "marker" }, `${number}`), label),
    body,
  );
  const about = [page && fill(words.page, { page }), at && fill(words.read, { date: day(at) })];
  details.append(h("p", { class: "page" }, about.filter(Boolean).join(" · ")));
  const href = quotedAddress(url, quote);
  if (href) details.append(h("a", { href, ...OUTWARD }, words.openSource));
  return h("li", { role: "listitem", "data-source": `${number}`, "data-testid": "source" }, details);
}

const day = (at: string): string => new Date(at).toLocaleDateString(language, { dateStyle: "medium" });
