import type { Range } from "../../int8/arithmetic.ts";

/**
 * `compute_percentile` on a histogram of absolute values: the first edge at which the share of values reaches the percentile, on both
 * sides of 0, and no further than the values went.
 * @param percentile between 0 and 100
 */
export function percentileRange(counts: Float64Array, edges: Float32Array, seen: Range, percentile: number): Range {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let share = 0;
  let index = 0;
  for (; index < counts.length; index++) {
    share += (counts[index] as number) / total;
    if (share >= percentile / 100) break;
  }
  const limit = edges[index] as number;
  return { min: Math.max(-limit, seen.min), max: Math.min(limit, seen.max) };
}
