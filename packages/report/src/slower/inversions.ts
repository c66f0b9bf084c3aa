import type { Comparison, ResultRow, Results } from "@edgewatt/protocol";

/** A model that takes longer than one with more parameters, beyond what repetition explains. */
export interface Inversion {
  readonly smaller: ResultRow;
  readonly larger: ResultRow;
  /** Time of the smaller ÷ time of the larger, paired by block; its interval is above 1. */
  readonly ratio: NonNullable<Comparison["latency"]>;
}

/**
 * For each row that is slower than a larger one of the same device and precision, the largest such. Only ratios that were paired by block
 * count, and of those only where the whole 95 % interval is above 1.
 */
export function inversions(results: Results): Inversion[] {
  const rows = new Map(results.rows.map((row) => [keyOf(row.device, row.run), row]));
  const found = new Map<ResultRow, Inversion>();
  for (const { device, numerator, denominator, latency: ratio } of results.comparisons ?? []) {
    const smaller = rows.get(keyOf(device, numerator.run));
    const larger = rows.get(keyOf(device, denominator.run));
    if (smaller === undefined || larger === undefined || ratio === null || ratio.low95 <= 1) continue;
    if (smaller.precision !== larger.precision || !(paramsOf(smaller) < paramsOf(larger))) continue;
    const known = found.get(smaller);
    if (known === undefined || paramsOf(known.larger) < paramsOf(larger))
      found.set(smaller, { smaller, larger, ratio });
  }
  return results.rows.flatMap((row) => found.get(row) ?? []);
}

function keyOf(device: string, run: string): string {
  return JSON.stringify([device, run]);
}

/** Not knowing a size makes no row the smaller or the larger one. */
function paramsOf({ params }: ResultRow): number {
  return params ?? Number.NaN;
}
