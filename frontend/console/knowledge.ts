/** Rows refresh themselves through htmx; this says aloud how a document's processing ended, once. */

import { setText } from "./page";

export function followKnowledge(): void {
  const said = document.getElementById("announcer");
  document.addEventListener("htmx:afterSwap", () => {
    for (const row of document.querySelectorAll<HTMLElement>("[data-announce]")) {
      const { announce = "" } = row.dataset;
      if (before.get(row.id) !== announce) setText(said, announce);
      before.set(row.id, announce);
    }
  });
  const before = new Map<string, string>();
  for (const row of document.querySelectorAll<HTMLElement>("[data-announce]"))
    before.set(row.id, row.dataset.announce ?? "");
  document.addEventListener("htmx:responseError", (event) => {
    const { target, xhr } = (event as CustomEvent<{ target: Element; xhr: XMLHttpRequest }>).detail;
    if (xhr.status === 404 && target.matches("tr[data-knowledge]")) target.remove();
    if (xhr.status === 401 || xhr.status === 403) location.reload();
  });
}
