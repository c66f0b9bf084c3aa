import type { Stretch } from "./recompute.ts";

/** Minutes apart that are computed in one go: one statement costs more than some minutes without points. */
const JOINED_MINUTES = 10;

/** The minutes of each measurement in which points were written. */
export class TouchedTime {
  readonly #minutes = new Map<string, Set<number>>();

  get isEmpty(): boolean {
    return this.#minutes.size === 0;
  }

  add(measurement: string, timeS: number): void {
    const minutes = this.#minutes.get(measurement) ?? new Set();
    minutes.add(Math.floor(timeS / 60));
    this.#minutes.set(measurement, minutes);
  }

  addAll(measurement: string, { fromS, toS }: Stretch): void {
    for (let timeS = fromS; timeS < toS; timeS += 60) this.add(measurement, timeS);
  }

  /** Disjoint stretches that cover all of them, oldest first. */
  stretches(): { measurement: string; stretch: Stretch }[] {
    return [...this.#minutes].flatMap(([measurement, minutes]) => {
      const joined: [first: number, last: number][] = [];
      for (const minute of [...minutes].sort((a, b) => a - b)) {
        const last = joined.at(-1);
        if (last && minute - last[1] <= JOINED_MINUTES) last[1] = minute;
        else joined.push([minute, minute]);
      }
      return joined.map(([first, last]) => ({ measurement, stretch: { fromS: first * 60, toS: (last + 1) * 60 } }));
    });
  }

  clear(): void {
    this.#minutes.clear();
  }
}
