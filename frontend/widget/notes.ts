import { h } from "./dom";
import type { Note } from "./transcript";
import { fill, words } from "./words";

/** The lines between messages: who came, who went. Each is announced when it is first drawn. */
export class Notes {
  readonly #lines = new Map<number, HTMLElement>();
  readonly #say: (text: string) => void;

  constructor(say: (text: string) => void) {
    this.#say = say;
  }

  /** Those that stand behind exchange `from` and before exchange `until`. */
  *between(from: number, until: number, notes: readonly Note[], agent: string): Generator<HTMLElement> {
    for (const note of notes) if (note.after >= from && note.after < until) yield this.#line(note, agent);
  }

  #line(note: Note, agent: string): HTMLElement {
    const known = this.#lines.get(note.seq);
    if (known) return known;
    const text = noteText(note, agent);
    const line = h("p", { class: "note", dir: "auto", "data-testid": "note" }, text);
    this.#lines.set(note.seq, line);
    this.#say(text);
    return line;
  }
}

function noteText({ kind, name }: Note, agent: string): string {
  if (kind === "joined") return fill(words.joined, { name: name ?? words.aPerson });
  return kind === "back" ? fill(words.back, { name: agent }) : words.resolved;
}
