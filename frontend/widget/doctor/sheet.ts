import { h } from "../dom";
import type { Finding, Patient } from "./checks";

const STATES = { ok: "Well", warn: "Worth a look", bad: "To be mended" } as const;
const CSS = `
:host { all: initial; }
:host([data-floating]) { position: fixed; inset-block-start: 20px; inset-inline-start: 20px; z-index: 2147483001; }
section { width: min(420px, calc(100vw - 40px)); max-height: calc(100vh - 40px); overflow: auto; padding: 16px 20px; border: 1px solid #dde1e6; border-radius: 14px;
  background: #fff; color: #171a1f; box-shadow: 0 8px 32px rgb(16 22 32 / 18%); font: 14px/1.45 system-ui, sans-serif; box-sizing: border-box; }
h2 { margin: 0 0 4px; font-size: 16px; }
p { margin: 4px 0; overflow-wrap: anywhere; color: #4b525c; }
ul { margin: 12px 0; padding: 0; list-style: none; }
li { padding: 8px 0; border-block-start: 1px solid #dde1e6; }
b { display: block; font-weight: 600; }
i { font-style: normal; font-weight: 600; }
[data-state=ok] i { color: #1d6f42; }
[data-state=warn] i { color: #7d5200; }
[data-state=bad] i { color: #b3261e; }
button { min-height: 40px; padding: 0 16px; border: 1px solid #858d98; border-radius: 8px; background: #fff; color: inherit; font: inherit; cursor: pointer; }
:focus-visible { outline: 2px solid #2b57c9; outline-offset: 2px; }
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
