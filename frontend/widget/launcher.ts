import { h, icon, icons, setAttribute } from "./dom";
import { launcherName } from "./locale";
import { Unread } from "./unread";
import { counted, language, words } from "./words";

/** The button that everybody sees. Until the widget's words were fetched it goes by a name that it brings along. */
export class Launcher {
  readonly unread: Unread;
  readonly element: HTMLButtonElement;

  constructor(open: () => void, counts: (count: number) => void) {
    this.unread = new Unread(counts);
    const attributes = { type: "button", class: "launcher", part: "launcher", "aria-haspopup": "dialog" };
    this.element = h("button", attributes, icon(icons.chat), this.unread.badge);
    this.element.addEventListener("click", open);
  }

  update(locale: string, isSpoken: boolean, isHidden: boolean): void {
    const name = isSpoken ? words.open : launcherName(locale);
    const { count } = this.unread;
    setAttribute(this.element, "aria-label", count ? `${name}, ${counted("unread", count)}` : name);
    setAttribute(this.element, "lang", isSpoken ? language : locale);
    this.element.hidden = isHidden;
  }
}
