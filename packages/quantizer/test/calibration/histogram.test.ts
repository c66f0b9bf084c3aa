import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { coarsen, HistogramBuilder, rangeOf } from "../../src/calibration/histogram.ts";
import { draw, extremesOf, histogramOf } from "./samples.ts";

const floats = fc
  .array(fc.oneof(fc.float({ noNaN: true, min: -1e6, max: 1e6 }), fc.constant(0)), { minLength: 1, maxLength: 300 })
  .map((values) => Float32Array.from(values));

describe("a histogram", () => {
  it("counts each value in the bin between whose edges it lies, and zeros apart", () => {
    for (const shape of ["normal", "relu", "skewed", "uniform"] as const) {
      const values = draw(shape, 5001);
      const { edges, counts, zeros, total } = histogramOf(values);
      const expected = new Float64Array(counts.length);
      const others = values.filter((value) => value !== 0);
      for (const value of others) {
        const next = edges.findIndex((edge) => edge > value);
        const bin = next < 0 ? counts.length - 1 : next - 1;
        expected[bin] = (expected[bin] as number) + 1;
      }
      expect(counts).toEqual(expected);
      expect(zeros).toBe(values.filter((value) => value === 0).length);
      expect(total).toBe(values.length);
      expect(counts.length).toBeGreaterThanOrEqual(2048);
    }
  });

  it("takes -0 for zero, and an odd number of values", () => {
    const histogram = histogramOf(Float32Array.of(-0, 0, 1));
    expect(histogram).toMatchObject({ zeros: 2, total: 3 });
    expect(histogram.counts.at(-1)).toBe(1);
  });

  it("holds only zeros", () => {
    const histogram = histogramOf(new Float32Array(7));
    expect(histogram).toMatchObject({ zeros: 7, total: 7 });
    expect(histogram.counts).toHaveLength(0);
    expect(rangeOf(histogram)).toEqual({ min: 0, max: 0 });
  });

  it("counts every value once, between ends that hold zero, whatever the values and however they come", () => {
    fc.assert(
      fc.property(floats, fc.integer({ min: 1, max: 300 }), (values, size) => {
        const whole = histogramOf(values);
        const builder = new HistogramBuilder(extremesOf(values));
        for (let start = 0; start < values.length; start += size) builder.add(values.subarray(start, start + size));
        expect(builder.finish()).toEqual(whole);
        expect(whole.total).toBe(values.length);
        expect(whole.edges).toContain(0);
        expect(whole.edges.every((edge, index) => index === 0 || edge >= (whole.edges[index - 1] as number))).toBe(
          true,
        );
        expect(rangeOf(whole)).toEqual(extremesOf(values));
      }),
      { numRuns: 25 },
    );
  });

  it("keeps all counts and both ends in fewer bins", () => {
    const fine = histogramOf(draw("skewed", 4000));
    const coarse = coarsen(fine, 100);
    expect(coarse.counts.length).toBeLessThanOrEqual(100);
    expect(coarse.counts.reduce((sum, count) => sum + count, coarse.zeros)).toBe(4000);
    expect(rangeOf(coarse)).toEqual(rangeOf(fine));
    expect(coarsen(coarse, 100)).toBe(coarse);
  });
});
