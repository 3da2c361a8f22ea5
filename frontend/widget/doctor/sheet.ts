import { h } from "../dom";
import type { Finding, Patient } from "./checks";

const STATES = { ok: "Well", warn: "Worth a look", bad: "To be mended" } as const;
const CSS = `
:host { all: initial; color-scheme: light; --back: #fff; --text: #171a1f; --calm: #4b525c; --line: #dde1e6; --edge: #858d98; --well: #1d6f42; --doubt: #7d5200; --ill: #b3261e; --focus: #2b57c9; }
@media (prefers-color-scheme: dark) {
  :host { color-scheme: dark; --back: #1a1d22; --text: #eef0f3; --calm: #b6bdc7; --line: #343a42; --edge: #7c8591; --well: #7fd1a1; --doubt: #e5b567; --ill: #f5a29a; --focus: #8fb0ff; }
}
:host([data-floating]) { position: fixed; inset-block-start: 20px; inset-inline-start: 20px; z-index: 2147483001; }
section { max-width: 420px; padding: 16px 20px; border: 1px solid var(--line); border-radius: 14px; background: var(--back); color: var(--text); font: 14px/1.45 system-ui, sans-serif; box-sizing: border-box; }
:host([data-floating]) section { width: calc(100vw - 40px); max-height: calc(100vh - 40px); overflow: auto; box-shadow: 0 8px 32px rgb(16 22 32 / 18%); }
h2 { margin: 0 0 4px; font-size: 16px; }
p { margin: 4px 0; overflow-wrap: anywhere; color: var(--calm); }
ul { margin: 12px 0; padding: 0; list-style: none; }
li { padding: 8px 0; border-block-start: 1px solid var(--line); }
b { display: block; font-weight: 600; }
i { font-style: normal; font-weight: 600; }
[data-state=ok] i { color: var(--well); }
[data-state=warn] i { color: var(--doubt); }
[data-state=bad] i { color: var(--ill); }
button { min-height: 40px; padding: 0 16px; border: 1px solid var(--edge); border-radius: 8px; background: var(--back); color: inherit; font: inherit; cursor: pointer; }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
`;

/** The findings on a page, one line each: how it is, and what to do. */
export class Sheet {
  readonly element = h("div");
  readonly #list = h("ul", { role: "list" });
  readonly #status = h("p", { role: "status" }, "Looking …");
  #ill = 0;

  constructor({ host, agent }: Patient) {
    const root = this.element.attachShadow({ mode: "open" });
    const style = new CSSStyleSheet();
    style.replaceSync(CSS);
    root.adoptedStyleSheets = [style];
    const close = h("button", { type: "button" }, "Close");
    close.addEventListener("click", () => this.element.remove());
    const title = h("h2", { id: "title" }, "Is the chat installed well?");
    const about = h("p", {}, `Agent ${agent} at ${host}`);
    root.append(h("section", { "aria-labelledby": "title" }, title, about, this.#status, this.#list, close));
  }

  add({ name, state, title, advice }: Finding): void {
    if (state !== "ok") this.#ill += 1;
    const line = h(
      "li",
      { "data-check": name, "data-state": state },
      h("i", {}, STATES[state]),
      h("b", {}, title),
    );
    if (advice) line.append(h("p", {}, advice));
    this.#list.append(line);
  }

  end(): void {
    this.#status.textContent = this.#ill
      ? `${this.#ill} of ${this.#list.children.length} to look at`
      : "All is well.";
  }
}
