/** Writes only what differs, so that selections, hovers and screen readers are left alone. */
export function setText(element: Element | null | undefined, text: string): void {
  if (element && element.textContent !== text) element.textContent = text;
}

export const byTestId = (name: string, within: ParentNode = document): HTMLElement | null =>
  within.querySelector(`[data-testid="${name}"]`);
