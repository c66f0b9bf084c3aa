import type { Reading } from "../sensors/sensor.ts";

/** The newest raw readings, in memory that is allocated once. */
export class TraceRing {
  readonly capacity: number;
  readonly #tUs: Float64Array;
  readonly #watts: Float64Array;
  readonly #joules: Float64Array;
  #written = 0;

  constructor(capacity: number) {
    this.capacity = capacity;
    this.#tUs = new Float64Array(capacity);
    this.#watts = new Float64Array(capacity);
    this.#joules = new Float64Array(capacity);
  }

  push(reading: Readonly<Reading>): void {
    const at = this.#written % this.capacity;
    this.#tUs[at] = reading.tUs;
    this.#watts[at] = reading.watts;
    this.#joules[at] = reading.joules;
    this.#written += 1;
  }

  /** Time of the newest reading; `-Infinity` for none. */
  get newestUs(): number {
    return this.#written === 0 ? -Infinity : (this.#tUs[(this.#written - 1) % this.capacity] ?? -Infinity);
  }

  /** A copy of the readings from the last one at or before `fromUs` to the first one at or after `toUs`. */
  slice(fromUs: number, toUs: number): { tUs: Float64Array; watts: Float64Array; joules: Float64Array } {
    const oldest = Math.max(0, this.#written - this.capacity);
    const first = Math.max(oldest, this.#search(oldest, (t) => t > fromUs) - 1);
    const end = Math.min(this.#written, this.#search(first, (t) => t >= toUs) + 1);
    const length = end - first;
    const at = (source: Float64Array) =>
      Float64Array.from({ length }, (_, i) => source[(first + i) % this.capacity] ?? Number.NaN);
    return { tUs: at(this.#tUs), watts: at(this.#watts), joules: at(this.#joules) };
  }

  /** The first index from `low` on whose time fulfils the test, which holds for all later ones too. */
  #search(from: number, test: (tUs: number) => boolean): number {
    let low = from;
    let high = this.#written;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (test(this.#tUs[middle % this.capacity] ?? 0)) high = middle;
      else low = middle + 1;
    }
    return low;
  }
}
