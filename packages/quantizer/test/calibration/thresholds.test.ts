import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { Range } from "../../src/int8/arithmetic.ts";
import { rangeOf, type Histogram } from "../../src/calibration/histogram.ts";
import { squaredError } from "../../src/calibration/quantization-error.ts";
import { chooseRange } from "../../src/calibration/thresholds/choose.ts";
import { entropyRange } from "../../src/calibration/thresholds/entropy.ts";
import { mseRange } from "../../src/calibration/thresholds/mse.ts";
import { percentileRange } from "../../src/calibration/thresholds/percentile.ts";
import { sqnrRange } from "../../src/calibration/thresholds/sqnr.ts";
import { draw, extremesOf, histogramOf, measuredError, UINT8, uniforms, type Shape } from "./samples.ts";

const SHAPES: readonly Shape[] = ["normal", "relu", "laplace", "uniform", "skewed", "outliers"];

/** A histogram with these counts: `negative` of the bins lie below zero. */
function fromCounts(counts: readonly number[], negative: number, width = 0.1): Histogram {
  return {
    edges: Float64Array.from({ length: counts.length + 1 }, (_, edge) => (edge - negative) * width),
    counts: Float64Array.from(counts),
    zeros: 3,
    total: counts.reduce((sum, count) => sum + count, 3),
  };
}

describe("the squared error of a histogram", () => {
  it.each(SHAPES)("is that of the values themselves: %s", (shape) => {
    const values = draw(shape, 40_000);
    const histogram = histogramOf(values);
    const { min, max } = extremesOf(values);
    for (const share of [1, 0.7, 0.4, 0.1]) {
      const range = { min: share * min, max: share * max };
      const estimated = squaredError(histogram, range, UINT8) / histogram.total;
      expect(estimated / measuredError(values, range)).toBeCloseTo(1, 1);
    }
  });

  it("of evenly spread values is a twelfth of the squared step, and the cubed distance beyond the last level", () => {
    const uniform = fromCounts(
      Array.from({ length: 51 }, () => 1),
      0,
      0.05,
    );
    const inside = squaredError(uniform, { min: 0, max: 2.55 }, UINT8);
    // The half step above the last level is clipped, not rounded, which costs as much.
    expect(inside / 51).toBeCloseTo(0.01 ** 2 / 12, 9);
    const clipped = squaredError(fromCounts([0, 0, 0, 0, 6], 0, 1), { min: 0, max: 2 }, UINT8);
    expect(clipped).toBeCloseTo((6 * (3 ** 3 - 2 ** 3)) / 3, 4);
    expect(squaredError(fromCounts([0, 0, 0, 0, 6], 0, 1), { min: 0, max: 2 }, UINT8, 3)).toBeCloseTo(3 * clipped, 9);
  });
});

describe("percentile", () => {
  it("leaves out the same number at both ends of a tensor with both signs, and only at the far end of another", () => {
    for (const shape of SHAPES) {
      const values = draw(shape, 20_000);
      const { min, max } = extremesOf(values);
      const bin = Math.max(-min, max) / 2048;
      const sorted = values.toSorted();
      const share = min < 0 && max > 0 ? 0.005 : 0.01;
      const range = percentileRange(histogramOf(values), 99);
      const [low, high] = [
        sorted[Math.round(share * 20_000)] as number,
        sorted[Math.round((1 - share) * 20_000)] as number,
      ];
      expect(Math.abs(range.max - high)).toBeLessThan(2 * bin);
      expect(Math.abs(range.min - (min < 0 ? low : 0))).toBeLessThan(2 * bin);
    }
  });

  it("is the whole range at 100", () => {
    const values = draw("skewed", 1000);
    expect(percentileRange(histogramOf(values), 100)).toEqual(extremesOf(values));
  });
});

/** Kullback-Leibler divergence by definition, bin by bin, as TensorRT's authors write it. */
function divergence(counts: readonly number[], kept: number, levels: number): number {
  const reference = counts.slice(0, kept);
  const beyond = counts.slice(kept).reduce((sum, count) => sum + count, 0);
  const level = (bin: number): number => Math.floor((bin * levels) / kept);
  const quantized = reference.map((count, bin) => {
    if (count === 0) return 0;
    const peers = reference.filter((other, index) => other > 0 && level(index) === level(bin));
    return peers.reduce((sum, other) => sum + other, 0) / peers.length;
  });
  reference[kept - 1] = (reference[kept - 1] ?? 0) + beyond;
  const [all, inside] = [reference, quantized].map((list) => list.reduce((sum, count) => sum + count, 0)) as [
    number,
    number,
  ];
  return reference.reduce((sum, count, bin) => {
    if (count === 0) return sum;
    return sum + (count / all) * Math.log(count / all / ((quantized[bin] as number) / inside));
  }, 0);
}

describe("entropy", () => {
  it.each([
    { negative: false, levels: () => 256 },
    { negative: true, levels: () => 128 },
  ])("finds the threshold with the smallest divergence, with both signs: $negative", ({ negative, levels }) => {
    const random = uniforms(5);
    const half = Array.from({ length: 300 }, (_, bin) =>
      bin > 200 && random() < 0.6 ? 0 : Math.ceil(2000 * Math.exp(-bin / 35) * (0.5 + random())),
    );
    const counts = negative ? [...half.toReversed(), ...half] : half;
    const magnitudes = half.map((count) => (negative ? 2 * count : count));
    const divergences = Array.from({ length: 300 - 127 }, (_, index) => divergence(magnitudes, 128 + index, levels()));
    const kept = 128 + divergences.lastIndexOf(Math.min(...divergences));
    const range = entropyRange(fromCounts(counts, negative ? 300 : 0), UINT8);
    expect(kept).toBeLessThan(300);
    expect(range.max).toBeCloseTo(kept * 0.1, 9);
    expect(range.min).toBeCloseTo(negative ? -kept * 0.1 : 0, 9);
  });

  it("has many thresholds to choose from, where the reference has one and gives the whole range", () => {
    const values = draw("outliers", 100_000);
    const range = entropyRange(histogramOf(values), UINT8);
    const { max } = extremesOf(values);
    expect(range.max).toBeLessThan(max / 2);
    expect(range.max).toBeGreaterThan(2);
  });
});

describe("mse", () => {
  it("is as good as the best pair of bin edges", () => {
    for (let seed = 1; seed <= 12; seed++) {
      const random = uniforms(seed);
      const negative = seed % 3 === 0 ? 0 : 10 + (seed % 4) * 5;
      const decay = 2 + 3 * random();
      const counts = Array.from({ length: negative + 40 }, (_, bin) =>
        Math.round(5000 * Math.exp(-Math.abs(bin - negative) / decay) * random()),
      );
      // Alone at both ends, so that it may pay to clip.
      [counts[0], counts[counts.length - 1]] = [1, 1];
      const histogram = fromCounts(counts, negative);
      let best = Infinity;
      for (const min of histogram.edges.filter((edge) => edge <= 0)) {
        for (const max of histogram.edges.filter((edge) => edge > 0)) {
          best = Math.min(best, squaredError(histogram, { min, max }, UINT8));
        }
      }
      expect(squaredError(histogram, mseRange(histogram, UINT8), UINT8)).toBeLessThanOrEqual(best * 1.01);
    }
  });

  it("keeps the whole range of evenly spread values, which nothing is gained by clipping", () => {
    const values = draw("uniform", 50_000);
    const { min, max } = extremesOf(values);
    const range = mseRange(histogramOf(values), UINT8);
    expect(range.min / min).toBeCloseTo(1, 2);
    expect(range.max / max).toBeCloseTo(1, 2);
  });
});

describe("sqnr", () => {
  it("is the best of the grid, with saturation at three times its weight", () => {
    const histogram = histogramOf(draw("laplace", 30_000));
    const range = sqnrRange(histogram, UINT8);
    const errorOf = (candidate: Range): number => squaredError(histogram, candidate, UINT8, 3);
    const { min, max } = rangeOf(histogram);
    for (let step = 1; step <= 17; step++) {
      const scale = (((max - min) / 255) * step) / 16;
      for (let offset = -255; offset <= 0; offset += 255 / 19) {
        const low = Math.max(min, scale * Math.round(offset));
        const high = Math.min(max, scale * (Math.round(offset) + 255));
        // The histogram is coarser in the search, as AIMET's.
        expect(errorOf(range)).toBeLessThan(errorOf({ min: low, max: high }) * 1.05);
      }
    }
  });

  it("clips less than mse", () => {
    const histogram = histogramOf(draw("laplace", 30_000));
    const [sqnr, mse] = [sqnrRange(histogram, UINT8), mseRange(histogram, UINT8)];
    expect(sqnr.max - sqnr.min).toBeGreaterThan(mse.max - mse.min);
  });
});

describe("the choice", () => {
  it("clips a few values far out by each method, which costs less than the steps that they would widen", () => {
    const values = draw("outliers", 100_000);
    const histogram = histogramOf(values);
    const whole = extremesOf(values);
    for (const [method, share] of [
      ["percentile", 0.8],
      ["mse", 0.8],
      ["entropy", 0.5],
      ["sqnr", 0.98],
    ] as const) {
      const { range } = chooseRange(method, { histogram, integers: UINT8, percentile: 99.98 });
      expect(range.max - range.min, `by ${method}`).toBeLessThan(share * (whole.max - whole.min));
    }
    for (const method of ["mse", "auto"] as const) {
      const { range } = chooseRange(method, { histogram, integers: UINT8, percentile: 99.999 });
      expect(measuredError(values, range) / measuredError(values, whole), `by ${method}`).toBeLessThan(0.8);
    }
  });

  it("of auto is the method whose measured error is smallest, and minmax where none is better", () => {
    for (const shape of SHAPES) {
      const values = draw(shape, 30_000);
      const evidence = { histogram: histogramOf(values), integers: UINT8, percentile: 99.99 };
      const auto = chooseRange("auto", evidence);
      for (const method of ["minmax", "percentile", "entropy", "mse", "sqnr"] as const) {
        const other = measuredError(values, chooseRange(method, evidence).range);
        expect(measuredError(values, auto.range), `${shape}, ${method}`).toBeLessThanOrEqual(other * 1.02);
      }
    }
    const zeros = { histogram: histogramOf(new Float32Array(4)), integers: UINT8, percentile: 99.999 };
    expect(chooseRange("auto", zeros)).toEqual({ method: "minmax", range: { min: 0, max: 0 } });
  });

  it("holds zero and lies within what was seen, for any values and each method", () => {
    const values = fc
      .array(fc.oneof(fc.float({ noNaN: true, min: -1e4, max: 1e4 }), fc.constant(0)), { minLength: 1, maxLength: 60 })
      .map((list) => Float32Array.from(list));
    const methods = fc.constantFrom("minmax", "percentile", "entropy", "mse", "sqnr", "auto" as const);
    fc.assert(
      fc.property(values, methods, fc.double({ min: 51, max: 100, noNaN: true }), (list, method, percentile) => {
        const { min, max } = extremesOf(list);
        const { range } = chooseRange(method, { histogram: histogramOf(list), integers: UINT8, percentile });
        expect(range.min).toBeLessThanOrEqual(0);
        expect(range.max).toBeGreaterThanOrEqual(0);
        expect(range.min).toBeGreaterThanOrEqual(min);
        expect(range.max).toBeLessThanOrEqual(max);
      }),
      { numRuns: 25 },
    );
  });
});
