/** Lists refresh themselves through htmx; this says aloud how a source's reading ended, once. */

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
    const { xhr } = (event as CustomEvent<{ xhr: XMLHttpRequest }>).detail;
    if ([401, 403, 404].includes(xhr.status)) location.reload();
  });
}
