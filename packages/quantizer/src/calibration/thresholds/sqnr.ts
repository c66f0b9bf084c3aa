import { roundHalfEven, type IntegerRange, type Range } from "../../int8/arithmetic.ts";
import { coarsen, rangeOf, type Histogram } from "../histogram.ts";
import { squaredError } from "../quantization-error.ts";

/** The settings of AIMET's `SqnrEncodingAnalyzer` ("tf_enhanced"). */
const BINS = 512;
const SCALES = 17;
const OFFSETS = 21;
const SATURATION_WEIGHT = 3;

/**
 * The range with the best signal-to-noise ratio where an error by saturation weighs three times one by rounding: the grid search of AIMET's
 * "tf_enhanced" (17 scales up to a step over the observed one, 20 offsets evenly spaced and the observed one, no end beyond what was seen).
 */
export function sqnrRange(histogram: Histogram, integers: IntegerRange): Range {
  const widest = rangeOf(histogram);
  const bins = coarsen(histogram, BINS);
  const steps = integers.max - integers.min;
  const observedScale = (widest.max - widest.min) / steps;
  if (observedScale === 0) return widest;
  const observedOffset = roundHalfEven(widest.min / observedScale);
  const offsets = Array.from({ length: OFFSETS - 1 }, (_, index) =>
    roundHalfEven(-steps + (steps * index) / (OFFSETS - 2)),
  );
  let best = { range: widest, error: squaredError(bins, widest, integers, SATURATION_WEIGHT) };
  for (let index = SCALES; index >= 1; index--) {
    const scale = (observedScale * index) / (SCALES - 1);
    for (const offset of [observedOffset, ...offsets]) {
      const range = {
        min: Math.max(widest.min, scale * offset),
        max: Math.min(widest.max, scale * (offset + steps)),
      };
      const error = squaredError(bins, range, integers, SATURATION_WEIGHT);
      if (error < best.error) best = { range, error };
    }
  }
  return best.range;
}
