const DRAW_EVERY_MS = 40;

/** When to draw: the first change at once, those behind it a few together. The eye sees no difference, a phone's battery does. */
export class Pace {
  readonly #draw: () => void;
  #isQueued = false;
  #drawnAt = 0;

  constructor(draw: () => void) {
    this.#draw = draw;
  }

  ask = (): void => {
    if (this.#isQueued) return;
    this.#isQueued = true;
    const rest = this.#drawnAt + DRAW_EVERY_MS - performance.now();
    if (document.hidden || rest > 0) window.setTimeout(this.#now, Math.max(rest, 0));
    else requestAnimationFrame(this.#now);
  };

  #now = (): void => {
    this.#isQueued = false;
    this.#drawnAt = performance.now();
    this.#draw();
  };
}
