import { describe, expect, it } from "vitest";
import { nanMean } from "../../src/parity/calibration/numpy-mean.ts";
import { addAbsoluteValues, histogramEdges } from "../../src/parity/calibration/numpy-histogram.ts";
import { percentileRange } from "../../src/parity/calibration/percentile.ts";
import { digestOf, floatOf, readGolden } from "./golden.ts";

interface Numerics {
  readonly arrays: Readonly<Record<string, string>>;
  readonly histograms: readonly {
    readonly array: string;
    readonly bins: number;
    readonly counts: string;
    readonly edges: string;
  }[];
  readonly thresholds: readonly {
    readonly array: string;
    readonly method: "percentile" | "entropy";
    readonly percentile?: number;
    readonly bins: number;
    readonly range: readonly [string, string];
  }[];
  readonly means: readonly { readonly count: number; readonly values: string; readonly mean: string }[];
}

const golden = await readGolden<Numerics>("numerics");

function floats(base64: string | undefined): Float32Array {
  return new Float32Array(new Uint8Array(Buffer.from(base64 ?? "", "base64")).buffer);
}

function extremes(values: Float32Array): { min: number; max: number } {
  return { min: Math.min(...values), max: Math.max(...values) };
}

describe("numpy's histogram of absolute values", () => {
  it.each(golden.histograms)("$array in $bins bins", ({ array, bins, counts, edges }) => {
    const values = floats(golden.arrays[array]);
    const span = extremes(values.map(Math.abs));
    const spread = histogramEdges(span.min, span.max, bins);
    const found = new Float64Array(bins);
    // In two parts, as samples come one after the other.
    expect(addAbsoluteValues(found, spread, values.subarray(0, 20))).toBe(true);
    expect(addAbsoluteValues(found, spread, values.subarray(20))).toBe(true);
    expect(digestOf(new Uint8Array(Int32Array.from(found).buffer))).toBe(counts);
    expect(digestOf(new Uint8Array(spread.edges.buffer))).toBe(edges);
  });

  it("tells when there is something that is not a number", () => {
    const counts = new Float64Array(4);
    expect(addAbsoluteValues(counts, histogramEdges(0, 1, 4), Float32Array.of(0.3, Number.NaN, 2))).toBe(false);
    expect([...counts]).toEqual([0, 1, 0, 0]);
  });

  it("refuses bins that float32 cannot tell apart", () => {
    expect(() => histogramEdges(1, 1 + 2 ** -20, 2048)).toThrow("too close together");
  });
});

describe("percentile", () => {
  it.each(golden.thresholds.filter(({ method }) => method === "percentile"))(
    "$array at $percentile",
    ({ array, percentile = 0, bins, range }) => {
      const values = floats(golden.arrays[array]);
      const span = extremes(values.map(Math.abs));
      const { first, last, edges } = histogramEdges(span.min, span.max, bins);
      const counts = new Float64Array(bins);
      addAbsoluteValues(counts, { first, last, edges }, values);
      const { min, max } = percentileRange(counts, edges, extremes(values), percentile);
      expect([min + 0, max + 0]).toEqual(range.map((hex) => floatOf(hex) + 0));
    },
  );
});

describe("entropy", () => {
  it.each(golden.thresholds.filter(({ method, bins }) => method === "entropy" && bins === 128))(
    "$array: the only threshold of 128 bins is all that was seen",
    ({ array, range }) => {
      const { min, max } = extremes(floats(golden.arrays[array]));
      expect([min, max]).toEqual(range.map(floatOf));
    },
  );
});

describe("moving average", () => {
  it.each(golden.means)("numpy's mean of $count values", ({ values, mean }) => {
    expect(nanMean(floats(values))).toBe(floatOf(mean));
  });

  it("leaves out what is not a number", () => {
    expect(nanMean(Float32Array.of(1, Number.NaN, 2))).toBe(1.5);
  });
});
