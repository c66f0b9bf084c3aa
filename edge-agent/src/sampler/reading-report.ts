import type { TraceRing } from "./ring.ts";

/** What a channel delivered since the report before. */
export interface ReadingReport {
  /** CLOCK_MONOTONIC of the newest reading, µs. */
  readonly newestUs: number;
  readonly readings: number;
  /** Readings that the schedule wanted and that did not come between two others. */
  readonly missed: number;
  /** Longest time between two readings, µs; 0 without two. */
  readonly gapUs: number;
}

/** Looks at a channel's readings from time to time, in the ring where they are anyway, so that reading costs nothing more. */
export class ReadingWatch {
  #newestUs = -Infinity;

  /** @param periodUs of the schedule, now. @returns `undefined` when nothing came since the last report */
  report(ring: TraceRing, periodUs: number): ReadingReport | undefined {
    const before = this.#newestUs;
    const { newestUs } = ring;
    if (newestUs <= before) return undefined;
    // From the last one that was seen on: its distance to the first new one counts too.
    const { tUs } = ring.slice(before, newestUs);
    let gapUs = 0;
    let missed = 0;
    for (let i = 1; i < tUs.length; i++) {
      const distanceUs = (tUs[i] ?? 0) - (tUs[i - 1] ?? 0);
      gapUs = Math.max(gapUs, distanceUs);
      missed += Math.max(0, Math.round(distanceUs / periodUs) - 1);
    }
    this.#newestUs = newestUs;
    return { newestUs, readings: tUs.length - (tUs[0] === before ? 1 : 0), missed, gapUs };
  }
}
