/** The Markdown parser, kept from losing words: what it would drop or swallow of sloppy text is handed on as text. */

import {
  type Any_Renderer,
  CODE_FENCE,
  type Parser,
  parser,
  parser_end,
  parser_write,
} from "streaming-markdown";

export class Parse {
  readonly #parser: Parser;

  constructor(renderer: Any_Renderer) {
    this.#parser = parser(renderer);
  }

  /** What is held back until more is known. */
  get held(): string {
    return this.#parser.pending;
  }

  /** Looks at each end of a line, so that it makes no difference where the stream was cut. */
  write(text: string): void {
    let from = 0;
    for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", from)) {
      parser_write(this.#parser, text.slice(from, at));
      this.#endLine();
      from = at + 1;
    }
    parser_write(this.#parser, text.slice(from));
  }

  end(): void {
    this.#closeAddress();
    this.#keepBeforeFence();
    parser_end(this.#parser);
  }

  #endLine(): void {
    this.#closeAddress();
    this.#keepBeforeFence();
    parser_write(this.#parser, "\n");
  }

  /** `[x](https://…` without an end would swallow all that follows; an address ends with its line. */
  #closeAddress(): void {
    if (this.#parser.pending.startsWith("](")) parser_write(this.#parser, ")");
  }

  /** A fence that closes behind a word takes that word's last letter with it. */
  #keepBeforeFence(): void {
    const p = this.#parser;
    const closes = p.token === CODE_FENCE && p.pending.length === p.fence_start + p.fence_end;
    if (closes && !/^[\s`]/.test(p.pending)) p.text += p.pending.slice(0, p.fence_end);
  }
}
