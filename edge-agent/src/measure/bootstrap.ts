import type { Comparison } from "@edgewatt/protocol";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { standardDeviation, studentT975 } from "./statistics.ts";

/** What two rows gave in one block, each an amount over so many images; the ratio is of amounts per image. */
export interface Pair {
  readonly numerator: Share;
  readonly denominator: Share;
}

export interface Share {
  readonly amount: number;
  readonly images: number;
}

export type RatioInterval = NonNullable<Comparison["latency"]>;

const RESAMPLES = 2000;
const MIN_PAIRS = 3;

/**
 * The ratio of two rows with its 95 % confidence interval, by a bootstrap of whole blocks: what a block does to both rows, and
 * every relative error that both share (gain, shunt, clock), cancels. Of the logarithm of the ratio the bootstrap gives the standard
 * error, and the interval is ± t(n − 1) · √(n / (n − 1)) of it: percentiles of so few blocks would be too narrow (T. C. Hesterberg,
 * What Teachers Should Know about the Bootstrap, The American Statistician 69 (2015) 371, doi 10.1080/00031305.2015.1089789). `null` with fewer
 * than 3 pairs, and where a block's amount is not above zero, since then there is no ratio to speak of.
 */
export function pairedRatio(pairs: readonly Pair[], seed: number): RatioInterval | null {
  const n = pairs.length;
  const positive = pairs.every(({ numerator, denominator }) => numerator.amount > 0 && denominator.amount > 0);
  if (n < MIN_PAIRS || !positive) return null;
  const random = xoroshiro128plus(seed);
  const picked = new Uint32Array(n);
  const logs = new Float64Array(RESAMPLES);
  for (let resample = 0; resample < RESAMPLES; resample++) {
    for (let i = 0; i < n; i++) picked[i] = uniformInt(random, 0, n - 1);
    logs[resample] = logRatio(pairs, picked);
  }
  const halfWidth = studentT975(n - 1) * Math.sqrt(n / (n - 1)) * standardDeviation(logs);
  const log = logRatio(pairs, pairs.keys());
  return { value: Math.exp(log), low95: Math.exp(log - halfWidth), high95: Math.exp(log + halfWidth) };
}

/** Of the pairs that are picked, each as often as it is. */
function logRatio(pairs: readonly Pair[], picked: Iterable<number>): number {
  const above = { amount: 0, images: 0 };
  const below = { amount: 0, images: 0 };
  for (const index of picked) {
    const pair = pairs[index];
    if (pair === undefined) continue;
    above.amount += pair.numerator.amount;
    above.images += pair.numerator.images;
    below.amount += pair.denominator.amount;
    below.images += pair.denominator.images;
  }
  return Math.log(above.amount / above.images) - Math.log(below.amount / below.images);
}
