import { h } from "./dom";

/** A picture from our own host, else initials: pages with a strict policy load no other, and nobody else learns who reads. */
export function avatar(
  element: HTMLElement,
  { name = "", avatar: url }: { name?: string | undefined; avatar?: string | null | undefined },
): void {
  const shown = `${url ?? ""} ${name}`;
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  if (url?.startsWith(`${element.dataset.host}/`)) element.replaceChildren(h("img", { src: url, alt: "" }));
  else element.textContent = initials(name);
}

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => Array.from(word)[0]?.toUpperCase())
    .join("");
