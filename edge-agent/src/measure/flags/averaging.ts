import type { Plan } from "../plan.ts";
import { percent } from "./figure.ts";

/** Of the window. */
const MAX_SHARE = 0.002;
/**
 * A step of power, seen by means over a time T that follow each other and are joined by straight lines, is spread like the sum of three
 * uniform distributions of width T. What is lost inside a window is half of that sum's mean absolute deviation, 13/32 T, at each of its
 * two edges.
 */
const LOST_PER_AVERAGE = 13 / 32;

/** Whether a meter averages too long for the windows, so that readings near the edges mix load and idle. */
export function averagingFlags(
  meter: { readonly averagingUs: number; readonly accumulates: boolean } | undefined,
  { windowS }: Pick<Plan, "windowS">,
): string[] {
  // A difference of running totals has no average in it.
  if (meter === undefined || meter.accumulates) return [];
  const share = meter.averagingUs / 1e6 / windowS;
  if (share <= MAX_SHARE) return [];
  return [
    `averaging: a reading is a mean over ${(meter.averagingUs / 1000).toPrecision(3)} ms, ${percent(share)} of a window, so about ${percent(LOST_PER_AVERAGE * share)} of the net energy is lost at its edges`,
  ];
}
