import { h } from "./dom";

/** A picture, asked of our own host under whatever name the page knows it, else initials: pages with a strict policy load no other,
 * and nobody else learns who reads. */
export function avatar(
  element: HTMLElement,
  { name = "", avatar: url }: { name?: string | undefined; avatar?: string | null | undefined },
): void {
  const shown = `${url ?? ""} ${name}`;
  if (element.dataset.shown === shown) return;
  element.dataset.shown = shown;
  element.textContent = initials(name);
  const path = url?.match(/\/avatars\/.*/);
  if (!path) return;
  const picture = h("img", { src: element.dataset.host + path[0], alt: "" });
  picture.onerror = () => picture.replaceWith(initials(name)); // it was replaced meanwhile
  element.replaceChildren(picture);
}

const initials = (name: string): string =>
  name
    .split(/\s+/)
    .filter(Boolean)
    .slice(0, 2)
    .map((word) => Array.from(word)[0]?.toUpperCase())
    .join("");
