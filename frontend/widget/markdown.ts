/** Builds what a Markdown parser tells into elements of a short list. Nothing is ever parsed as HTML, and the only attributes
 * are ours: what is not on the list cannot be written, whatever the text says and wherever the stream cuts it. */

import {
  type Attr,
  BLOCKQUOTE,
  CHECKBOX,
  CHECKED,
  CODE_BLOCK,
  CODE_FENCE,
  CODE_INLINE,
  EQUATION_BLOCK,
  EQUATION_INLINE,
  HEADING_1,
  HEADING_6,
  HREF,
  IMAGE,
  ITALIC_AST,
  ITALIC_UND,
  LINE_BREAK,
  LINK,
  LIST_ITEM,
  LIST_ORDERED,
  LIST_UNORDERED,
  PARAGRAPH,
  RAW_URL,
  RULE,
  SRC,
  START,
  STRIKE,
  STRONG_AST,
  STRONG_UND,
  TABLE,
  TABLE_CELL,
  TABLE_ROW,
  type Token,
} from "streaming-markdown";
import { linkAddress, OUTWARD } from "./address";
import { h } from "./dom";
import { Parse } from "./parse";
import { words } from "./words";

type Tag = keyof HTMLElementTagNameMap;
const TAGS: Partial<Record<Token, Tag>> = {
  [BLOCKQUOTE]: "blockquote",
  [PARAGRAPH]: "p",
  [CODE_BLOCK]: "pre",
  [CODE_FENCE]: "pre",
  [CODE_INLINE]: "code",
  [ITALIC_AST]: "em",
  [ITALIC_UND]: "em",
  [STRONG_AST]: "strong",
  [STRONG_UND]: "strong",
  [STRIKE]: "s",
  [LINK]: "a",
  [RAW_URL]: "a",
  [IMAGE]: "a",
  [LINE_BREAK]: "br",
  [RULE]: "hr",
  [LIST_UNORDERED]: "ul",
  [LIST_ORDERED]: "ol",
  [LIST_ITEM]: "li",
};
/** The parser keeps 24 tokens; nobody reads deeper than this. */
const DEEPEST = 16;
const AFTER_URL = /[.,;:!?)\]}'"»”]+$/;
/** With a title in quotes or without. */
const ADDRESS = /^\S+( "[^"]*")?$/;
const NUMBER = /^\d{1,3}$/;

interface Open {
  token: Token;
  element: HTMLElement;
  /** Written again behind it: what the parser took for syntax and we do not. */
  literal: string;
}

export class Markdown {
  readonly data = undefined;
  readonly #open: Open[];
  readonly #parse: Parse;
  /** Makes the marker of a citation. */
  readonly #mark: (number: number) => Node;

  constructor(root: HTMLElement, mark: (number: number) => Node) {
    this.#open = [{ token: PARAGRAPH, element: root, literal: "" }];
    this.#mark = mark;
    this.#parse = new Parse(this);
  }

  write(text: string): void {
    this.#parse.write(text);
  }

  /** Nothing follows: what was held back in hope of more is written as it stands. */
  end(): void {
    this.#parse.end();
    const held = this.#parse.held.trim();
    if (held) this.#write(this.#top.element, held);
    while (this.#open.length > 1) this.#close(this.#pop(), true);
  }

  add_token = (_: unknown, token: Token): void => {
    const { element: parent } = this.#top;
    if (this.#open.length > DEEPEST) return this.#push(token, parent);
    const literal = this.#literal(token);
    if (literal) {
      this.#write(parent, literal);
      return this.#push(token, parent, literal);
    }
    this.#push(token, this.#element(token, parent));
  };

  end_token = (): void => {
    if (this.#open.length > 1) this.#close(this.#pop(), false);
  };

  add_text = (_: unknown, text: string): void => this.#write(this.#top.element, text);

  set_attr = (_: unknown, attribute: Attr, value: string): void => {
    const { element, token } = this.#top;
    if (attribute === HREF || attribute === SRC) this.#link(element, token, value);
    else if (attribute === CHECKED) element.textContent = "☑ ";
    else if (attribute === START && element instanceof HTMLOListElement) element.start = Number(value) || 1;
  };

  get #top(): Open {
    return this.#open[this.#open.length - 1] as Open;
  }

  #pop(): Open {
    return this.#open.pop() as Open;
  }

  #push(token: Token, element: HTMLElement, literal = ""): void {
    this.#open.push({ token, element, literal });
  }

  /** Dollars and underscores within a word are what they are: nobody writes formulas to a shop, but prices and file names. */
  #literal(token: Token): string {
    const held = this.#parse.held;
    if (token === EQUATION_INLINE || token === EQUATION_BLOCK)
      return held[0] === "\\" ? held.slice(0, 1) + (token === EQUATION_INLINE ? "(" : "[") : held || "$";
    const isUnderscore = token === ITALIC_UND || token === STRONG_UND;
    const before = this.#top.element.lastChild;
    if (!isUnderscore || !(before instanceof Text) || !/[\p{L}\p{N}]$/u.test(before.data)) return "";
    return token === ITALIC_UND ? "_" : "__";
  }

  #element(token: Token, parent: HTMLElement): HTMLElement {
    if (token >= HEADING_1 && token <= HEADING_6) return append(parent, h("h3"));
    if (token === CHECKBOX) return append(parent, h("span", {}, "☐ "));
    if (token === TABLE) {
      const table = h("table");
      append(
        parent,
        h("div", { class: "table", role: "group", tabindex: "0", "aria-label": words.table }, table),
      );
      return table;
    }
    if (token === TABLE_ROW) return append(section(parent), h("tr"));
    if (token === TABLE_CELL)
      return append(parent, h(parent.parentElement?.tagName === "THEAD" ? "th" : "td", { dir: "auto" }));
    const tag = TAGS[token] ?? "span";
    return append(parent, h(tag, /^(p|li|h3|blockquote|pre)$/.test(tag) ? { dir: "auto" } : {}));
  }

  #write(parent: Node, text: string): void {
    if (parent.lastChild instanceof Text) parent.lastChild.appendData(text);
    else parent.appendChild(document.createTextNode(text));
  }

  /** Pictures are links too: loading one would tell its server who reads, and what. */
  #link(element: HTMLElement, token: Token, value: string): void {
    const tail = token === RAW_URL ? (AFTER_URL.exec(value)?.[0] ?? "") : "";
    const url = value.slice(0, value.length - tail.length);
    const href = ADDRESS.test(url) ? linkAddress(url.split(" ")[0] ?? "") : undefined;
    if (!(element instanceof HTMLAnchorElement)) return;
    if (!href) return this.#tell(element, token, value);
    for (const [name, given] of Object.entries({ href, ...OUTWARD })) element.setAttribute(name, given);
  }

  /** What cannot be a link is still readable, as what it is. */
  #tell(element: HTMLElement, token: Token, value: string): void {
    if (token !== RAW_URL) this.#write(element, ` (${value})`);
    this.#top.token = RAW_URL;
  }

  #close({ token, element, literal }: Open, isCut: boolean): void {
    if (literal) return this.#write(element, isCut ? "" : literal.replace("(", ")").replace("[", "]"));
    if (!(element instanceof HTMLAnchorElement)) return;
    if (!element.href) this.#unlink(element, token, isCut);
    else if (token === RAW_URL) trim(element);
  }

  /** In brackets and no link: the number of a citation, or just words in brackets. */
  #unlink(element: HTMLElement, token: Token, isCut: boolean): void {
    const text = element.textContent ?? "";
    if (token === LINK && !isCut && NUMBER.test(text)) return element.replaceWith(this.#mark(Number(text)));
    const parent = element.parentNode;
    if (token === LINK) element.prepend("[");
    if (token === LINK && !isCut) element.append("]");
    element.replaceWith(...element.childNodes);
    parent?.normalize();
  }
}

function append<E extends HTMLElement>(parent: Element, element: E): E {
  parent.append(element);
  return element;
}

/** The full stop behind an address belongs to the sentence. */
function trim(link: HTMLElement): void {
  const text = link.textContent ?? "";
  const tail = AFTER_URL.exec(text)?.[0] ?? "";
  if (!tail) return;
  link.textContent = text.slice(0, -tail.length);
  link.after(tail);
}

/** The first row of a table is its head. */
function section(table: HTMLElement): HTMLElement {
  const last = table.lastElementChild;
  if (last instanceof HTMLElement && last.tagName === "TBODY") return last;
  return append(table, h(last ? "tbody" : "thead"));
}
