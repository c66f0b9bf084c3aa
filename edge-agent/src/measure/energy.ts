import {
  curveOfReadings,
  curveOfTotals,
  firstAfter,
  interpolate,
  isMomentary,
  type EnergyCurve,
  type Trace,
} from "./energy-curve.ts";
import { mean, median, quantile } from "./statistics.ts";

export type { Trace };

/** Energy, extremes and sampling of a stretch of a trace. */
export interface Stretch {
  readonly joules: number;
  readonly seconds: number;
  readonly meanW: number;
  /** The largest raw reading. */
  readonly maxW: number;
  /** The largest mean over 10 ms; `null` below 100 readings a second. */
  readonly max10msW: number | null;
  /** Mean voltage of the supply; `null` where the meter does not tell it. */
  readonly volts: number | null;
  /** Raw samples inside. */
  readonly samples: number;
  /** The longest time between neighbouring samples that touch the stretch, µs. */
  readonly longestGapUs: number;
  /** Readings that the meter's period foretells between neighbouring ones and that are not there; 0 for totals, which lose nothing. */
  readonly missing: number;
  /** Readings per second that came. */
  readonly rateHz: number;
  /** 99th percentile of the distance of an interval between samples from their median, µs. */
  readonly jitterP99Us: number;
  /** The same energy by another way, as a share above or below; `null` where the trace allows no other way. */
  readonly checks: EnergyChecks;
}

interface EnergyChecks {
  /** Arithmetic mean of the readings inside × time: uneven sampling shows here. */
  readonly meanTimesTime: number | null;
  /** The chip's own running total against the trapezoids over its momentary readings. */
  readonly total: number | null;
}

/** What is known of the channel besides its trace. */
export interface StretchFacts {
  readonly volts?: number | null;
  /** Between readings as the meter should give them, µs; without it only the trace itself says what is usual. */
  readonly periodUs?: number;
}

const US_PER_S = 1e6;
const SHORT_US = 10_000;
const MIN_RATE_FOR_SHORT_HZ = 100;
/** A conversion takes at most a tenth longer than it should (an INA219's 586 instead of 532 µs): slower readings are not the chip's clock. */
const SLOWEST = 1.12;
/** With fewer readings the two samples at the edges alone make a difference that means nothing. */
const MIN_SAMPLES_FOR_CHECK = 100;

/**
 * Energy between two moments: trapezoids over the samples inside plus the power at both edges, linearly interpolated
 * between the samples on either side; for an accumulating source the difference of the interpolated totals. Nothing is
 * extrapolated: `undefined` when a sample before the start or after the end is missing.
 */
export function measureStretch(
  trace: Trace,
  fromUs: number,
  toUs: number,
  { volts = null, periodUs = Infinity }: StretchFacts = {},
): Stretch | undefined {
  const { tUs, watts, joules } = trace;
  const first = firstAfter(tUs, fromUs);
  const atEnd = tUs[tUs.length - 1] === toUs;
  const after = atEnd ? tUs.length - 1 : firstAfter(tUs, toUs);
  if (toUs <= fromUs || first === 0 || after >= tUs.length) return undefined;

  const momentary = isMomentary(trace, first, after);
  const byReadings = momentary ? curveOfReadings(trace) : undefined;
  const byTotal = joules === null ? undefined : curveOfTotals(tUs, joules);
  const between = (curve: EnergyCurve | undefined) => (curve === undefined ? Number.NaN : curve(toUs) - curve(fromUs));
  const energy = between(byTotal ?? byReadings);
  const seconds = (toUs - fromUs) / US_PER_S;
  // A mean since the reading before: the one after the end covers the end. Momentary readings count where they were taken.
  const inside = watts.subarray(first, momentary ? after : after + 1);
  const edges = [interpolate(tUs, watts, first - 1, fromUs), interpolate(tUs, watts, after - 1, toUs)];
  const sampling = samplingOf(tUs.subarray(first - 1, after + 1), periodUs);
  const curve = byReadings ?? byTotal;
  return {
    joules: energy,
    seconds,
    meanW: energy / seconds,
    maxW: inside.length > 0 ? largest(inside) : largest(edges),
    max10msW:
      curve !== undefined && sampling.rateHz >= MIN_RATE_FOR_SHORT_HZ
        ? largestShortMean(curve, tUs.subarray(first, after), fromUs, toUs)
        : null,
    volts,
    samples: after - first,
    ...sampling,
    missing: joules === null ? sampling.missing : 0,
    checks: {
      meanTimesTime:
        momentary && inside.length >= MIN_SAMPLES_FOR_CHECK ? (mean(inside) * seconds) / between(byReadings) - 1 : null,
      total: momentary && byTotal !== undefined ? energy / between(byReadings) - 1 : null,
    },
  };
}

/**
 * How the meter kept its schedule, from the times of neighbouring samples. Its period is the median interval, since a chip's
 * conversion may take a tenth longer than its datasheet's nominal time; but no more than that, as on a bus that is too slow to fetch
 * all of them.
 */
function samplingOf(times: Float64Array, periodUs: number) {
  const intervals = Float64Array.from({ length: times.length - 1 }, (_, i) => (times[i + 1] ?? 0) - (times[i] ?? 0));
  const usual = median(intervals);
  const slowest = SLOWEST * periodUs;
  const expected = Math.min(usual, slowest);
  const between = intervals.reduce((sum, interval) => sum + Math.max(0, Math.round(interval / expected) - 1), 0);
  const inAll = Math.floor((mean(intervals) / slowest - 1) * intervals.length);
  return {
    longestGapUs: largest(intervals),
    missing: Math.max(between, inAll),
    rateHz: US_PER_S / mean(intervals),
    jitterP99Us: quantile(intervals.map((interval) => Math.abs(interval - usual)).sort(), 0.99),
  };
}

/** The largest mean over 10 ms that begin at the start or at a sample; `null` in a shorter stretch. */
function largestShortMean(curve: EnergyCurve, samplesUs: Float64Array, fromUs: number, toUs: number): number | null {
  if (toUs - fromUs < SHORT_US) return null;
  const meanFrom = (t: number) => ((curve(t + SHORT_US) - curve(t)) * US_PER_S) / SHORT_US;
  let found = meanFrom(fromUs);
  for (const t of samplesUs) {
    if (t + SHORT_US > toUs) break;
    found = Math.max(found, meanFrom(t));
  }
  return found;
}

function largest(values: ArrayLike<number>): number {
  let found = -Infinity;
  for (let i = 0; i < values.length; i++) found = Math.max(found, values[i] ?? -Infinity);
  return found;
}
