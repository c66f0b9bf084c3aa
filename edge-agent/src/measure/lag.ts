import type { Lag } from "@edgewatt/protocol";
import type { Trace } from "./energy.ts";
import { halfWidth95, mean, median } from "./statistics.ts";

/** A stretch in which the processor was busy, CLOCK_MONOTONIC in µs; before and after it rested. */
export interface LoadStep {
  readonly onUs: number;
  readonly offUs: number;
}

/** Power as means over stretches of time. */
interface Points {
  readonly middleUs: Float64Array;
  readonly boxUs: Float64Array;
  readonly watts: Float64Array;
}

/** Lags that are looked for, either way; steps rest at least twice as long. */
const REACH_US = 200_000;
const COARSE_US = 1000;
const FINE_US = 20;
const EQUAL = 1e-9;
/** Below it the load does not show in the power, and what is found is noise. */
const LEAST_CORRELATION = 0.5;
const LEAST_STEPS = 3;
/** Lags that noise alone gives spread over all that is looked for: about ± 80 ms. */
const WIDEST_MS = 50;

/**
 * Cross-correlates power with load: the lag of a step is where the correlation of its readings with the load, averaged over the time
 * of a reading, is greatest; the lag is the mean over steps, whose scatter gives its half-width. `undefined` when the load does not
 * show in the power.
 * @param averagingUs time that a momentary reading is the mean over; running totals are taken over the time between readings
 */
export function estimateLag(trace: Trace, averagingUs: number, steps: readonly LoadStep[]): Lag | undefined {
  const points = pointsOf(trace, averagingUs);
  const found = steps.flatMap((step) => lagOfStep(points, step) ?? []);
  if (found.length < LEAST_STEPS) return undefined;
  if (median(found.map((step) => step.correlation)) < LEAST_CORRELATION) return undefined;
  const lagsMs = found.map(({ lagUs }) => lagUs / 1000);
  const halfWidth95Ms = halfWidth95(lagsMs) ?? Infinity;
  return halfWidth95Ms > WIDEST_MS ? undefined : { ms: mean(lagsMs), halfWidth95Ms, steps: found.length };
}

function pointsOf({ tUs, watts, joules }: Trace, averagingUs: number): Points {
  if (joules === null) return { middleUs: tUs, boxUs: new Float64Array(tUs.length).fill(averagingUs), watts };
  const boxUs = tUs.subarray(1).map((t, i) => t - (tUs[i] ?? 0));
  return {
    middleUs: boxUs.map((box, i) => (tUs[i] ?? 0) + box / 2),
    boxUs,
    watts: boxUs.map((box, i) => (((joules[i + 1] ?? 0) - (joules[i] ?? 0)) * 1e6) / box),
  };
}

function lagOfStep(points: Points, step: LoadStep): { lagUs: number; correlation: number } | undefined {
  const restUs = (step.offUs - step.onUs) / 2;
  const inside = (_: number, i: number) => {
    const t = points.middleUs[i] ?? 0;
    return t >= step.onUs - restUs && t <= step.offUs + restUs;
  };
  const near: Points = {
    middleUs: points.middleUs.filter(inside),
    boxUs: points.boxUs.filter(inside),
    watts: points.watts.filter(inside),
  };
  if (near.watts.length < LEAST_STEPS) return undefined;
  const coarse = greatest(near, step, { fromUs: -REACH_US, toUs: REACH_US, byUs: COARSE_US });
  // A slow meter knows the lag to its period only; what it cannot tell apart is a plateau, whose middle is taken.
  if (coarse === undefined || coarse.widthUs > COARSE_US) return coarse;
  const { lagUs } = coarse;
  // At the end of what is looked for there is no maximum, but a slope.
  if (Math.abs(lagUs) > REACH_US - COARSE_US) return undefined;
  return greatest(near, step, { fromUs: lagUs - COARSE_US, toUs: lagUs + COARSE_US, byUs: FINE_US });
}

function greatest(
  points: Points,
  step: LoadStep,
  { fromUs, toUs, byUs }: { fromUs: number; toUs: number; byUs: number },
): { lagUs: number; correlation: number; widthUs: number } | undefined {
  let best = -Infinity;
  let firstUs = Number.NaN;
  let lastUs = Number.NaN;
  for (let lagUs = fromUs; lagUs <= toUs; lagUs += byUs) {
    const found = correlation(points, step, lagUs);
    if (found > best + EQUAL) {
      best = found;
      firstUs = lagUs;
      lastUs = lagUs;
    } else if (found > best - EQUAL && lagUs - lastUs < 1.5 * byUs) {
      lastUs = lagUs;
    }
  }
  if (best === -Infinity) return undefined;
  return { lagUs: (firstUs + lastUs) / 2, correlation: best, widthUs: lastUs - firstUs };
}

/**
 * Pearson's correlation of the power with the load as it was `lagUs` earlier, a straight drift taken out of both; `-Infinity` where
 * nothing else is left of one of them.
 */
function correlation({ middleUs, boxUs, watts }: Points, { onUs, offUs }: LoadStep, lagUs: number): number {
  const n = watts.length;
  const loads = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    const half = (boxUs[i] ?? 0) / 2;
    const t = (middleUs[i] ?? 0) - lagUs;
    const covered = Math.min(t + half, offUs) - Math.max(t - half, onUs);
    loads[i] = half > 0 ? Math.max(0, covered) / (2 * half) : Number(covered >= 0);
  }
  const [meanT, meanW, meanL] = [mean(middleUs), mean(watts), mean(loads)];
  const sums = { tt: 0, ww: 0, ll: 0, tw: 0, tl: 0, wl: 0 };
  for (let i = 0; i < n; i++) {
    const t = (middleUs[i] ?? 0) - meanT;
    const w = (watts[i] ?? 0) - meanW;
    const l = (loads[i] ?? 0) - meanL;
    sums.tt += t * t;
    sums.ww += w * w;
    sums.ll += l * l;
    sums.tw += t * w;
    sums.tl += t * l;
    sums.wl += w * l;
  }
  const power = sums.ww - sums.tw ** 2 / sums.tt;
  const load = sums.ll - sums.tl ** 2 / sums.tt;
  // Rounding leaves a little of a pure drift.
  if (power <= EQUAL * sums.ww || load <= EQUAL * sums.ll) return -Infinity;
  return (sums.wl - (sums.tw * sums.tl) / sums.tt) / Math.sqrt(power * load);
}
