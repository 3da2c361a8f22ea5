/** Keeps one element for each key, in order: one that stays is never rebuilt, so nothing under the pointer jumps away, and
 * one that moves keeps the keyboard's place. One that left goes, unless the keyboard is in it. */
export class Keyed<T> {
  readonly #parent: HTMLElement;
  readonly #key: (item: T) => string;
  readonly #create: (item: T) => HTMLElement;
  readonly #fill: (element: HTMLElement, item: T) => void;
  readonly #elements = new Map<string, HTMLElement>();

  constructor(
    parent: HTMLElement,
    key: (item: T) => string,
    create: (item: T) => HTMLElement,
    fill: (element: HTMLElement, item: T) => void,
  ) {
    this.#parent = parent;
    this.#key = key;
    this.#create = create;
    this.#fill = fill;
  }

  update(items: readonly T[]): void {
    this.#forget(new Set(items.map(this.#key)));
    items.forEach((item, index) => {
      const key = this.#key(item);
      const element = this.#elements.get(key) ?? this.#create(item);
      this.#elements.set(key, element);
      this.#fill(element, item);
      if (this.#parent.children[index] !== element) this.#move(element, index);
    });
  }

  #forget(kept: ReadonlySet<string>): void {
    for (const [key, element] of this.#elements) {
      if (kept.has(key) || element.contains(document.activeElement)) continue;
      element.remove();
      this.#elements.delete(key);
    }
  }

  /** Moving an element takes the keyboard's place away from it: that is given back. */
  #move(element: HTMLElement, index: number): void {
    const { activeElement } = document;
    this.#parent.insertBefore(element, this.#parent.children[index] ?? null);
    if (activeElement instanceof HTMLElement && element.contains(activeElement))
      activeElement.focus({ preventScroll: true });
  }
}

/** A fresh copy of a `<template>`'s one element. */
export function copyOf(template: string): HTMLElement {
  const found = document.getElementById(template) as HTMLTemplateElement;
  return found.content.firstElementChild?.cloneNode(true) as HTMLElement;
}
