import type { Reading } from "../sensors/sensor.ts";
import type { PowerInterval } from "./messages.ts";

const US_PER_S = 1e6;
/** Momentary readings further apart than this many intervals say nothing about the time between them. */
const MAX_BRIDGED = 5;

/**
 * Cuts readings into intervals of fixed length on the monotonic clock. The mean of an interval is its energy (trapezoids
 * with interpolated edges, or the difference of running totals) ÷ its length, so an interval in which the sampler could
 * not run for a moment still gets its row, from the readings on either side. A longer silence of a momentary meter is left
 * out; running totals know the energy of any silence. Nothing is allocated but the rows.
 */
export class IntervalMeans {
  readonly #periodUs: number;
  readonly #emit: (interval: PowerInterval) => void;
  #tUs = Number.NaN;
  #watts = 0;
  #joules = 0;
  #endUs = 0;
  /** Energy since the start of the open interval, W·µs. */
  #energy = 0;
  #filledUs = 0;
  #count = 0;
  #min = Infinity;
  #max = -Infinity;
  #volts = 0;
  #amps = 0;

  constructor(periodUs: number, emit: (interval: PowerInterval) => void) {
    this.#periodUs = periodUs;
    this.#emit = emit;
  }

  /** Readings were lost: what comes next does not connect to what was before. */
  interrupt(): void {
    this.#tUs = Number.NaN;
  }

  add(reading: Readonly<Reading>): void {
    const isTotal = !Number.isNaN(reading.joules);
    const tooFar = !isTotal && reading.tUs - this.#tUs > MAX_BRIDGED * this.#periodUs;
    if (Number.isNaN(this.#tUs) || tooFar) {
      this.#start(reading);
      return;
    }
    while (reading.tUs >= this.#endUs) {
      this.#fillTo(this.#endUs, reading);
      this.#close(reading);
    }
    this.#fillTo(reading.tUs, reading);
    this.#watts = reading.watts;
    this.#joules = reading.joules;
    this.#count += 1;
    this.#min = Math.min(this.#min, reading.watts);
    this.#max = Math.max(this.#max, reading.watts);
    this.#volts += reading.volts;
    this.#amps += reading.amps;
  }

  #start(reading: Readonly<Reading>): void {
    this.#tUs = reading.tUs;
    this.#watts = reading.watts;
    this.#joules = reading.joules;
    this.#endUs = (Math.floor(reading.tUs / this.#periodUs) + 1) * this.#periodUs;
    this.#reset();
  }

  /** Adds the energy from the last point to `tUs`, on the straight line towards the new reading. */
  #fillTo(tUs: number, reading: Readonly<Reading>): void {
    const spanUs = tUs - this.#tUs;
    if (spanUs <= 0) return;
    const share = spanUs / (reading.tUs - this.#tUs);
    const watts = this.#watts + (reading.watts - this.#watts) * share;
    if (Number.isNaN(reading.joules)) {
      this.#energy += ((this.#watts + watts) / 2) * spanUs;
    } else {
      const joules = this.#joules + (reading.joules - this.#joules) * share;
      this.#energy += (joules - this.#joules) * US_PER_S;
      this.#joules = joules;
    }
    this.#watts = watts;
    this.#tUs = tUs;
    this.#filledUs += spanUs;
  }

  #close(next: Readonly<Reading>): void {
    const w = this.#energy / this.#filledUs;
    const n = this.#count;
    if (this.#filledUs > 0) {
      this.#emit({
        tUs: this.#endUs,
        w,
        // A mean between readings can pass their extremes by its interpolated edges.
        wMin: Math.min(this.#min, w),
        wMax: Math.max(this.#max, w),
        v: n > 0 ? this.#volts / n : next.volts,
        a: n > 0 ? this.#amps / n : next.amps,
        n,
      });
    }
    this.#endUs += this.#periodUs;
    this.#reset();
  }

  #reset(): void {
    this.#energy = 0;
    this.#filledUs = 0;
    this.#count = 0;
    this.#min = Infinity;
    this.#max = -Infinity;
    this.#volts = 0;
    this.#amps = 0;
  }
}
