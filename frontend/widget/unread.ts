import { h, setText } from "./dom";

const COUNT = /^\(\d+\) /;

/** How many messages nobody has seen: at the launcher, and before the title of a page that is not looked at. */
export class Unread {
  readonly badge = h("span", { class: "badge", "aria-hidden": "true" });
  readonly #changed: (count: number) => void;
  #count = 0;

  constructor(changed: (count: number) => void) {
    this.#changed = changed;
    this.badge.hidden = true;
  }

  get count(): number {
    return this.#count;
  }

  set count(count: number) {
    if (count === this.#count) return;
    this.#count = count;
    setText(this.badge, count > 99 ? "99+" : String(count || ""));
    this.title();
    this.#changed(count);
  }

  /** The page may have changed its title meanwhile: only what stands before it is ours. */
  title(): void {
    const own = document.title.replace(COUNT, "");
    const title = this.#count && document.hidden ? `(${this.#count}) ${own}` : own;
    if (title !== document.title) document.title = title;
  }
}
