import { h } from "./dom";
import type { Citation } from "./frames";
import { words } from "./words";

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

function item({ number, title, quote, url, page }: Citation): HTMLLIElement {
  const label = h("span", { class: "source-title", title }, title);
  label.dir = "auto";
  const body = h("blockquote", { dir: "auto" }, quote);
  const details = h(
    "details",
    {},
    h("summary", {}, h("span", { class: "marker" }, `${number}`), label),
    body,
  );
  if (page) details.append(h("p", { class: "page" }, words.page(page)));
  const safe = webAddress(url);
  if (safe)
    details.append(
      h("a", { href: safe, target: "_blank", rel: "noopener noreferrer nofollow" }, words.openSource),
    );
  return h("li", { role: "listitem", "data-source": `${number}`, "data-testid": "source" }, details);
}

/** Only the web: no `javascript:`, `data:` or schemes that open other programs. */
export function webAddress(url: string | null | undefined): string | undefined {
  if (!url) return undefined;
  try {
    const { protocol, href } = new URL(url);
    return protocol === "https:" || protocol === "http:" ? href : undefined;
  } catch {
    return undefined;
  }
}
