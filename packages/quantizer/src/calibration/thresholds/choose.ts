import type { IntegerRange, Range } from "../../int8/arithmetic.ts";
import { rangeOf, type Histogram } from "../histogram.ts";
import { THRESHOLD_METHODS, type CalibrationMethod, type ThresholdMethod } from "../method.ts";
import { squaredError } from "../quantization-error.ts";
import { entropyRange } from "./entropy.ts";
import { mseRange } from "./mse.ts";
import { percentileRange } from "./percentile.ts";
import { sqnrRange } from "./sqnr.ts";

/** What the choice for one tensor is made from. */
export interface Evidence {
  readonly histogram: Histogram;
  readonly integers: IntegerRange;
  /** In percent. */
  readonly percentile: number;
}

/** The range that a method gives a tensor: it holds zero and lies within what was seen. */
export interface Choice {
  readonly range: Range;
  readonly method: ThresholdMethod;
}

type HistogramMethod = Exclude<ThresholdMethod, "moving-average">;

const RANGES: Readonly<Record<HistogramMethod, (evidence: Evidence) => Range>> = {
  minmax: ({ histogram }) => rangeOf(histogram),
  percentile: ({ histogram, percentile }) => percentileRange(histogram, percentile),
  entropy: ({ histogram, integers }) => entropyRange(histogram, integers),
  mse: ({ histogram, integers }) => mseRange(histogram, integers),
  sqnr: ({ histogram, integers }) => sqnrRange(histogram, integers),
};

/** Chooses the range of one tensor; for `auto` that of the method with the smallest squared error, the simpler one of equals. */
export function chooseRange(method: Exclude<CalibrationMethod, "moving-average">, evidence: Evidence): Choice {
  if (method !== "auto") return { method, range: RANGES[method](evidence) };
  const { histogram, integers } = evidence;
  const choices = THRESHOLD_METHODS.filter((candidate) => candidate !== "moving-average").map((candidate) => {
    const range = RANGES[candidate](evidence);
    return { method: candidate, range, error: squaredError(histogram, range, integers) };
  });
  const { method: chosen, range } = choices.reduce((best, next) => (next.error < best.error ? next : best));
  return { method: chosen, range };
}
