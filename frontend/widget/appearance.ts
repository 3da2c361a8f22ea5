/** How the widget looks here: what the page says wins over what the organisation set. */

import { accents, parse } from "./color";
import type { Appearance } from "./frames";

/** `data-*` of the element, and the same keys in `window.chatWithUsSettings`. */
export const SETTINGS = [
  "agent",
  "host",
  "position",
  "locale",
  "theme",
  "color",
  "radius",
  "title",
  "greeting",
  "launcher",
  "open",
  "nonce",
  "z-index",
] as const;

const SURFACES = { light: [255, 255, 255], dark: [26, 29, 34] } as const;
const LARGEST_RADIUS = 24;

export const prefersDark = window.matchMedia("(prefers-color-scheme: dark)");

export class Look {
  readonly #host: HTMLElement;
  #organisation: Appearance = {};

  constructor(host: HTMLElement) {
    this.#host = host;
  }

  /** Returns what is set, by whoever set it. */
  get(name: keyof Appearance): string {
    return this.#host.dataset[name] ?? String(this.#organisation[name] ?? "");
  }

  take(organisation: Appearance | undefined): void {
    if (!organisation || organisation === this.#organisation) return;
    this.#organisation = organisation;
    this.apply();
  }

  apply(): void {
    const { style, dataset } = this.#host;
    const theme = this.get("theme");
    const isDark = theme === "dark" || (theme !== "light" && prefersDark.matches);
    this.#host.toggleAttribute("data-dark", isDark);
    this.#host.toggleAttribute("data-left", this.get("position") === "left");
    if (dataset.zIndex) style.zIndex = dataset.zIndex;
    const color = parse(this.get("color"));
    const properties = color ? accents(color, isDark ? SURFACES.dark : SURFACES.light) : {};
    for (const name of ["--cwu-accent", "--cwu-accent-text", "--cwu-accent-ink"])
      set(style, name, properties[name] ?? "");
    const radius = Number.parseInt(this.get("radius"), 10);
    set(style, "--cwu-radius-3", radius >= 0 ? `${Math.min(radius, LARGEST_RADIUS)}px` : "");
  }
}

function set(style: CSSStyleDeclaration, name: string, value: string): void {
  if (value) style.setProperty(name, value);
  else style.removeProperty(name);
}
