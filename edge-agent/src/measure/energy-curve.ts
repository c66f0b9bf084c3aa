/**
 * Raw samples of one power channel in order of time. `tUs` is CLOCK_MONOTONIC in µs. A source that only accumulates energy
 * fills `joules` with the running total at `tUs` and `watts` with the mean since the sample before; one that takes
 * momentary readings leaves `joules` `null`; a chip that does both gives both.
 */
export interface Trace {
  readonly tUs: Float64Array;
  readonly watts: Float64Array;
  readonly joules: Float64Array | null;
}

/** A reading that is the mean since the one before differs from it by rounding only; momentary readings never all do. */
const SAME_ENERGY = 1e-6;
const US_PER_S = 1e6;

/** Index of the first sample later than `tUs`. */
export function firstAfter(times: Float64Array, tUs: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((times[middle] ?? 0) > tUs) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** Whether `watts` carries readings of its own, and not only the differences of `joules`; between two samples, both included. */
export function isMomentary({ tUs, watts, joules }: Trace, first: number, last: number): boolean {
  if (joules === null) return true;
  for (let i = Math.max(1, first); i <= last; i++) {
    const gained = (joules[i] ?? 0) - (joules[i - 1] ?? 0);
    const told = ((watts[i] ?? 0) * ((tUs[i] ?? 0) - (tUs[i - 1] ?? 0))) / US_PER_S;
    if (Math.abs(gained - told) > SAME_ENERGY * Math.abs(gained)) return true;
  }
  return false;
}

/** Energy since the first sample of a trace, J, at any moment between its first and last. */
export type EnergyCurve = (tUs: number) => number;

/** Power runs straight from sample to sample: the integral of that, by trapezoids. */
export function curveOfReadings({ tUs, watts }: Trace): EnergyCurve {
  const joules = new Float64Array(tUs.length);
  const step = (i: number, toUs: number, toW: number) =>
    (((watts[i] ?? 0) + toW) / 2) * ((toUs - (tUs[i] ?? 0)) / US_PER_S);
  for (let i = 1; i < tUs.length; i++) {
    joules[i] = (joules[i - 1] ?? 0) + step(i - 1, tUs[i] ?? 0, watts[i] ?? 0);
  }
  return (t) => {
    const before = Math.max(0, firstAfter(tUs, t) - 1);
    return (joules[before] ?? 0) + step(before, t, interpolate(tUs, watts, before, t));
  };
}

/** Running totals, which grow evenly from sample to sample. */
export function curveOfTotals(tUs: Float64Array, joules: Float64Array): EnergyCurve {
  return (t) => interpolate(tUs, joules, Math.max(0, firstAfter(tUs, t) - 1), t);
}

/** The straight line from sample `before` to the next. */
export function interpolate(times: Float64Array, values: Float64Array, before: number, tUs: number): number {
  const t0 = times[before] ?? Number.NaN;
  const v0 = values[before] ?? Number.NaN;
  if (t0 === tUs) return v0;
  const t1 = times[before + 1] ?? Number.NaN;
  return v0 + (((values[before + 1] ?? Number.NaN) - v0) * (tUs - t0)) / (t1 - t0);
}
