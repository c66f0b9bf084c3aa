import { computeParams, type IntegerRange, type Range } from "../int8/arithmetic.ts";
import type { Histogram } from "./histogram.ts";

/**
 * The squared errors of quantizing all values of a histogram by a range, summed, with values spread evenly inside their bin. Rounding costs
 * what lies between a value and the nearest of the equally spaced levels; what lies outside them costs its distance to the last one.
 * @param saturationWeight by how much more an error outside the levels counts
 */
export function squaredError(
  { edges, counts }: Histogram,
  range: Range,
  integers: IntegerRange,
  saturationWeight = 1,
): number {
  const { scale, zeroPoint } = computeParams(range, integers, false);
  const low = (integers.min - zeroPoint) * scale;
  const high = (integers.max - zeroPoint) * scale;
  const atLow = roundingIntegral(low, scale);
  const insideAll = roundingIntegral(high, scale) - atLow;
  /** The integral of the squared error from `low` to x, so that a bin's mean is the difference at its ends over its width. */
  const integral = (x: number): number => {
    if (x < low) return (saturationWeight * cube(x - low)) / 3;
    if (x > high) return insideAll + (saturationWeight * cube(x - high)) / 3;
    return roundingIntegral(x, scale) - atLow;
  };
  let sum = 0;
  let left = edges[0] ?? 0;
  let atLeft = integral(left);
  for (let bin = 0; bin < counts.length; bin++) {
    const right = edges[bin + 1] as number;
    const atRight = integral(right);
    const amount = counts[bin] as number;
    if (amount > 0 && right > left) sum += (amount * (atRight - atLeft)) / (right - left);
    left = right;
    atLeft = atRight;
  }
  return sum;
}

/** The integral of (x - nearest multiple of scale) squared: a twelfth of scale cubed for each whole step, a cubic between. */
function roundingIntegral(x: number, scale: number): number {
  const steps = x / scale;
  const nearest = Math.round(steps);
  const rest = steps - nearest;
  return cube(scale) * (nearest / 12 + cube(rest) / 3);
}

/** The operator ** is many times slower. */
function cube(x: number): number {
  return x * x * x;
}
