/** Draws in the browser's next frame when something has changed, and not at all while nothing has or nobody looks. */
export class FrameLoop {
  readonly #draw: (nowMs: number) => void;
  readonly #leastMs: number;
  #drawnMs = Number.NEGATIVE_INFINITY;
  #isAwaited = false;

  /** @param leastMs pause between two drawings */
  constructor(draw: (nowMs: number) => void, leastMs = 0) {
    this.#draw = draw;
    this.#leastMs = leastMs;
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) this.request();
    });
  }

  /** Says that there is something new to draw. */
  request(): void {
    if (this.#isAwaited || document.hidden) return;
    this.#isAwaited = true;
    const waitMs = this.#drawnMs + this.#leastMs - performance.now();
    if (waitMs > 0) setTimeout(() => this.#inFrame(), waitMs);
    else this.#inFrame();
  }

  #inFrame(): void {
    requestAnimationFrame(() => {
      this.#isAwaited = false;
      this.#drawnMs = performance.now();
      this.#draw(Date.now());
    });
  }
}
