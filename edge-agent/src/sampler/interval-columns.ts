import type { PowerBlock, PowerInterval } from "./messages.ts";

const FIRST_CAPACITY = 16;
const COLUMNS = ["tUs", "w", "wMin", "wMax", "v", "a"] as const;

/** Gathers the intervals of a channel between two messages, in arrays that are used again. */
export class IntervalColumns {
  #capacity = FIRST_CAPACITY;
  #length = 0;
  #columns = COLUMNS.map(() => new Float64Array(FIRST_CAPACITY));

  get isEmpty(): boolean {
    return this.#length === 0;
  }

  push(interval: PowerInterval): void {
    if (this.#length === this.#capacity) this.#grow();
    for (let i = 0; i < COLUMNS.length; i++) {
      const column = this.#columns[i];
      const name = COLUMNS[i];
      if (column !== undefined && name !== undefined) column[this.#length] = interval[name];
    }
    this.#length += 1;
  }

  /** A copy of what was gathered since the last call. */
  take(): PowerBlock {
    const [tUs, w, wMin, wMax, v, a] = this.#columns.map((column) => column.slice(0, this.#length)) as [
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
      Float64Array,
    ];
    this.#length = 0;
    return { tUs, w, wMin, wMax, v, a };
  }

  #grow(): void {
    this.#capacity *= 2;
    this.#columns = this.#columns.map((column) => {
      const larger = new Float64Array(this.#capacity);
      larger.set(column);
      return larger;
    });
  }
}
