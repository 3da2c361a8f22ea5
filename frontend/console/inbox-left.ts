import type { Left } from "./inbox-frames";

/** What a visitor left beside messages, and what their page says: a line each, and nothing where there is none. */
export function showLeft(list: HTMLElement, left: Left): void {
  const facts = [...told(left)];
  const shown = JSON.stringify(facts);
  if (list.dataset.shown === shown) return;
  list.dataset.shown = shown;
  list.hidden = !facts.length;
  list.replaceChildren(...facts.map(([name, value, title]) => line(name, value, title)));
}

function* told(left: Left): Generator<[name: string, value: string, title: string]> {
  if (left.email)
    yield ["Wants to be answered at", left.email, "As the visitor typed it: it proves nothing."];
  if (left.csat) yield ["Satisfied", `${left.csat} of 5`, left.csat_comment || "No comment."];
  for (const [name, value] of Object.entries({ ...left.context, ...left.attributes }))
    yield [name, String(value), "As the page says: it proves nothing."];
}

function line(name: string, value: string, title: string): HTMLElement {
  const row = document.createElement("div");
  const term = document.createElement("dt");
  const detail = document.createElement("dd");
  term.textContent = name;
  detail.textContent = value;
  detail.dir = "auto";
  row.title = title;
  row.append(term, detail);
  return row;
}
