import { halfWidth95, mean } from "./statistics.ts";

/** A figure in four neighbouring stretches: fast, slow, slow, fast. */
export type Alternation = readonly [fast: number, slow: number, slowAgain: number, fastAgain: number];

export interface Difference {
  readonly fast: number;
  readonly slow: number;
  /** `fast` − `slow` */
  readonly delta: number;
  /** 95 % confidence half-width of the difference over alternations (Student's t). */
  readonly halfWidth95: number;
}

/**
 * By how much a figure differs between a meter that is read fast and one that is read slowly. In the order ABBA a drift that is linear
 * over the four stretches cancels, so that each alternation gives one unbiased difference. `undefined` for fewer than two of them.
 */
export function differenceOf(alternations: readonly Alternation[]): Difference | undefined {
  const fast = alternations.map(([first, , , last]) => (first + last) / 2);
  const slow = alternations.map(([, second, third]) => (second + third) / 2);
  const halfWidth = halfWidth95(fast.map((value, i) => value - (slow[i] ?? 0)));
  if (halfWidth === null) return undefined;
  return { fast: mean(fast), slow: mean(slow), delta: mean(fast) - mean(slow), halfWidth95: halfWidth };
}
