import type { Range } from "../../int8/arithmetic.ts";
import { rangeOf, type Histogram } from "../histogram.ts";

/**
 * The range that holds `percentile` percent of the values, zeros included. Where there are values on both sides of zero, half of what is
 * left out lies at either end; else all of it lies at the far end, as nothing is gained at zero. Inside a bin the position is interpolated.
 */
export function percentileRange(histogram: Histogram, percentile: number): Range {
  const { min, max } = rangeOf(histogram);
  const outside = (1 - percentile / 100) * histogram.total;
  const share = min < 0 && max > 0 ? outside / 2 : outside;
  return {
    min: min < 0 ? Math.min(0, valueAt(histogram, share)) : 0,
    max: max > 0 ? Math.max(0, valueAt(histogram, histogram.total - share)) : 0,
  };
}

/** The value that `rank` of the values lie below. */
function valueAt({ edges, counts, zeros }: Histogram, rank: number): number {
  let below = 0;
  for (const [bin, amount] of counts.entries()) {
    const [left, right] = [edges[bin] as number, edges[bin + 1] as number];
    if (left === 0) below += zeros;
    if (below >= rank && left === 0) return 0;
    if (amount > 0 && below + amount >= rank) return left + ((rank - below) / amount) * (right - left);
    below += amount;
  }
  return edges.at(-1) ?? 0;
}
