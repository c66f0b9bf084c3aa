import type { PowerBlock, PowerInterval } from "../sampler/messages.ts";

const TENTH_US = 100_000;

/** What live values and the supply's voltage need of an interval. */
export type Tenth = Omit<PowerInterval, "n">;

/** Joins the intervals of a channel to tenths of a second; those that are as long, or longer, pass as they are. */
export class Tenths {
  #count = 0;
  #endUs = 0;
  #lastUs = 0;
  #w = 0;
  #wMin = Infinity;
  #wMax = -Infinity;
  #v = 0;
  #a = 0;

  /** Calls `emit` for each tenth that the block ends. */
  add({ tUs, w, wMin, wMax, v, a }: PowerBlock, emit: (tenth: Tenth) => void): void {
    for (let i = 0; i < tUs.length; i++) {
      const t = tUs[i] ?? Number.NaN;
      // Intervals that do not divide a tenth, or some that were lost.
      if (this.#count > 0 && t > this.#endUs) emit(this.#take());
      if (this.#count === 0) this.#endUs = Math.ceil(t / TENTH_US) * TENTH_US;
      this.#count += 1;
      this.#lastUs = t;
      this.#w += w[i] ?? Number.NaN;
      this.#wMin = Math.min(this.#wMin, wMin[i] ?? Infinity);
      this.#wMax = Math.max(this.#wMax, wMax[i] ?? -Infinity);
      this.#v += v[i] ?? Number.NaN;
      this.#a += a[i] ?? Number.NaN;
      if (t >= this.#endUs) emit(this.#take());
    }
  }

  #take(): Tenth {
    const n = this.#count;
    const tenth = {
      tUs: this.#lastUs,
      w: this.#w / n,
      wMin: this.#wMin,
      wMax: this.#wMax,
      v: this.#v / n,
      a: this.#a / n,
    };
    this.#count = 0;
    this.#w = 0;
    this.#wMin = Infinity;
    this.#wMax = -Infinity;
    this.#v = 0;
    this.#a = 0;
    return tenth;
  }
}
