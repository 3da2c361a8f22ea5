import { h } from "./dom";
import type { Citation } from "./frames";
import type { Segment } from "./segments";
import { words } from "./words";

/** Makes `element` say `segments`, touching only the nodes that differ: a growing answer extends its last text node. */
export function write(
  element: HTMLElement,
  segments: readonly Segment[],
  source: (number: number) => Citation | undefined,
  open: (number: number) => void,
): void {
  segments.forEach((segment, index) => {
    const node = element.childNodes[index];
    if (segment.kind === "text") writeText(element, node, segment.text);
    else writeMarker(element, node, segment.number, source(segment.number), open);
  });
  while (element.childNodes.length > segments.length) element.lastChild?.remove();
}

function writeText(element: HTMLElement, node: ChildNode | undefined, text: string): void {
  if (!(node instanceof Text)) return put(element, node, document.createTextNode(text));
  if (text.startsWith(node.data)) {
    if (text.length > node.data.length) node.appendData(text.slice(node.data.length));
  } else node.data = text;
}

/** A marker whose source has not been told yet looks the same and cannot be pressed. */
function writeMarker(
  element: HTMLElement,
  node: ChildNode | undefined,
  number: number,
  source: Citation | undefined,
  open: (number: number) => void,
): void {
  const label = source ? words.source(number, source.title) : "";
  if (
    node instanceof HTMLElement &&
    node.textContent === `${number}` &&
    (node.getAttribute("aria-label") ?? "") === label
  )
    return;
  const marker = source
    ? h("button", { type: "button", class: "marker", "aria-label": label, title: source.title }, `${number}`)
    : h("span", { class: "marker" }, `${number}`);
  if (source) marker.addEventListener("click", () => open(number));
  put(element, node, marker);
}

function put(element: HTMLElement, at: ChildNode | undefined, node: Node): void {
  if (at) at.replaceWith(node);
  else element.append(node);
}
