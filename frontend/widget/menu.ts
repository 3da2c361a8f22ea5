import { h, icon, icons, setAttribute } from "./dom";
import { words } from "./words";

interface Hooks {
  fresh(): void;
  download(): void;
}

/** What is seldom wanted: a button that shows a short list of others. */
export class Menu {
  readonly element = h("div", { class: "menu" });
  readonly #button = h(
    "button",
    { type: "button", class: "icon", "aria-label": words.menu, "aria-expanded": "false" },
    icon(icons.more),
  );
  readonly #list = h("div", { class: "list" });
  readonly #fresh = h("button", { type: "button" }, words.startOver);
  readonly #download = h("button", { type: "button" }, words.download);

  constructor(hooks: Hooks) {
    this.#list.hidden = true;
    this.#list.append(this.#fresh, this.#download);
    this.element.append(this.#button, this.#list);
    this.#button.addEventListener("click", () => this.#open(this.#list.hidden as boolean));
    this.#fresh.addEventListener("click", () => this.#done(hooks.fresh));
    this.#download.addEventListener("click", () => this.#done(hooks.download));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || this.#list.hidden) return;
      event.stopPropagation();
      this.#done(() => undefined);
    });
    this.element.addEventListener("focusout", ({ relatedTarget }) => {
      if (!this.element.contains(relatedTarget as Node | null)) this.#open(false);
    });
  }

  update(canBegin: boolean, canDownload: boolean): void {
    this.#fresh.hidden = !canBegin;
    this.#download.hidden = !canDownload;
    this.element.hidden = !canBegin && !canDownload;
  }

  #open(isOpen: boolean): void {
    this.#list.hidden = !isOpen;
    setAttribute(this.#button, "aria-expanded", String(isOpen));
  }

  #done(then: () => void): void {
    this.#open(false);
    this.#button.focus();
    then();
  }
}
