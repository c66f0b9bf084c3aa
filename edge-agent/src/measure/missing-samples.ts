import type { Trace } from "./energy.ts";
import { median } from "./statistics.ts";

/**
 * Share of a momentary meter's readings that are missing between two moments, 0 to 1: a gap of about n of its own periods lacks
 * n − 1 readings. Its own period is the median distance of readings, since a chip's conversion may take up to a tenth longer than
 * its datasheet's nominal time. `undefined` for fewer than three readings and for running totals, which lose no energy in a gap.
 */
export function missingShare({ tUs, joules }: Trace, fromUs: number, toUs: number): number | undefined {
  if (joules !== null) return undefined;
  const inside = tUs.filter((t) => t >= fromUs && t <= toUs);
  if (inside.length < 3) return undefined;
  const gaps = inside.subarray(1).map((t, i) => t - (inside[i] ?? 0));
  const periodUs = median(gaps);
  const missing = gaps.reduce((sum, gap) => sum + Math.max(0, Math.round(gap / periodUs) - 1), 0);
  return missing / (missing + inside.length);
}
