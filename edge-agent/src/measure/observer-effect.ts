import { halfWidth95, mean } from "./statistics.ts";

/** Mean power of four neighbouring stretches, W: fast, slow, slow, fast. */
export type Alternation = readonly [fast: number, slow: number, slowAgain: number, fastAgain: number];

export interface ObserverEffect {
  readonly fastW: number;
  readonly slowW: number;
  readonly deltaW: number;
  /** 95 % confidence half-width of the difference over alternations (Student's t). */
  readonly halfWidth95W: number;
}

/**
 * What reading a meter fast draws more than reading it slowly. In the order ABBA a drift that is linear over the four stretches
 * cancels, so that each alternation gives one unbiased difference. `undefined` for fewer than two of them.
 */
export function observerEffect(alternations: readonly Alternation[]): ObserverEffect | undefined {
  const fast = alternations.map(([first, , , last]) => (first + last) / 2);
  const slow = alternations.map(([, second, third]) => (second + third) / 2);
  const halfWidth95W = halfWidth95(fast.map((watts, i) => watts - (slow[i] ?? 0)));
  if (halfWidth95W === null) return undefined;
  return { fastW: mean(fast), slowW: mean(slow), deltaW: mean(fast) - mean(slow), halfWidth95W };
}
