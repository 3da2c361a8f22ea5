import { linkAddress, OUTWARD } from "./address";
import { h } from "./dom";

const URLS = /\bhttps?:\/\/[^\s<>"]+[^\s<>".,;:!?)\]}']/g;

/** What a person wrote, letter by letter, with the addresses in it as links. */
export function linked(text: string): (string | HTMLElement)[] {
  const parts: (string | HTMLElement)[] = [];
  let from = 0;
  for (const { 0: url, index } of text.matchAll(URLS)) {
    const href = linkAddress(url);
    if (!href) continue;
    parts.push(text.slice(from, index), h("a", { href, ...OUTWARD }, url));
    from = index + url.length;
  }
  return [...parts, text.slice(from)];
}
