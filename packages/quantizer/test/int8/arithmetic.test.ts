import { describe, expect, it } from "vitest";
import {
  activationRange,
  computeParams,
  guardBias,
  quantizeActivations,
  quantizeBias,
  quantizeValue,
  quantizeWeights,
  roundHalfEven,
  saturatesAt,
  weightRange,
  weightScales,
} from "../../src/int8/arithmetic.ts";

const u8 = activationRange("u8s8");
const s8 = activationRange("s8s8");

describe("roundHalfEven", () => {
  it.each([
    [0.5, 0],
    [1.5, 2],
    [2.5, 2],
    [-0.5, 0],
    [-1.5, -2],
    [-2.5, -2],
    [2.4999, 2],
    [-3.7, -4],
  ])("%d gives %d", (value, expected) => {
    expect(roundHalfEven(value) + 0).toBe(expected);
  });
});

// Expected figures follow compute_scale_zp of onnxruntime 1.30, worked out by hand in float32 and float64.
describe("computeParams", () => {
  it("takes the range of a Relu to zero point 0 in uint8 and -128 in int8", () => {
    expect(computeParams({ min: 0, max: 6 }, u8, false)).toEqual({ scale: Math.fround(6 / 255), zeroPoint: 0 });
    expect(computeParams({ min: 0.5, max: 6 }, s8, false)).toEqual({ scale: Math.fround(6 / 255), zeroPoint: -128 });
  });

  it("places an asymmetric range", () => {
    expect(computeParams({ min: -1, max: 2 }, u8, false)).toEqual({ scale: Math.fround(3 / 255), zeroPoint: 85 });
    expect(computeParams({ min: -1, max: 2 }, s8, false)).toEqual({ scale: Math.fround(3 / 255), zeroPoint: -43 });
    expect(computeParams({ min: -3, max: -1 }, u8, false)).toEqual({ scale: Math.fround(3 / 255), zeroPoint: 255 });
  });

  it("rounds a zero point between two integers to the even one", () => {
    // -min / scale = 0.5 * 255 = 127.5, and from int8's -128 it is -0.5.
    expect(computeParams({ min: -1, max: 1 }, u8, false).zeroPoint).toBe(128);
    expect(computeParams({ min: -1, max: 1 }, s8, false).zeroPoint + 0).toBe(0);
  });

  it("uses both zero points of one range 128 apart", () => {
    for (const min of [-0.1, -0.77, -2.3]) {
      const unsigned = computeParams({ min, max: 1.9 }, u8, false);
      const signed = computeParams({ min, max: 1.9 }, s8, false);
      expect(signed.scale).toBe(unsigned.scale);
      expect(signed.zeroPoint).toBe(unsigned.zeroPoint - 128);
    }
  });

  it("takes the difference in float32 before it divides in float64", () => {
    const [min, max] = [Math.fround(-0.1), Math.fround(16_777_216)];
    expect(computeParams({ min, max }, u8, false).scale).toBe(Math.fround(16_777_216 / 255));
  });

  it("gives a tensor of zeros scale 1", () => {
    expect(computeParams({ min: 0, max: 0 }, u8, false)).toEqual({ scale: 1, zeroPoint: 0 });
    expect(computeParams({ min: 0, max: 1e-37 }, u8, false)).toEqual({ scale: 1, zeroPoint: 0 });
  });

  it("is symmetric for weights, over 254 steps or 128 of the reduced range", () => {
    expect(computeParams({ min: -0.5, max: 0.25 }, weightRange(false), true)).toEqual({
      scale: Math.fround(1 / 254),
      zeroPoint: 0,
    });
    expect(computeParams({ min: -0.5, max: 0.25 }, weightRange(true), true).scale).toBe(Math.fround(1 / 128));
  });
});

describe("quantizing values", () => {
  it("rounds halves to even and clips", () => {
    const params = { scale: 0.5, zeroPoint: 3 };
    expect([0.25, 0.75, -0.25, 1000, -1000].map((value) => quantizeValue(value, params, u8))).toEqual([
      3, 5, 3, 255, 0,
    ]);
  });

  it("quantizes constants of elementwise operators like activations", () => {
    const { data, params } = quantizeActivations(Float32Array.of(0, 1, 2), activationRange("s8s8"));
    expect(params).toEqual({ scale: Math.fround(2 / 255), zeroPoint: -128 });
    // The float32 scale lies above 2 / 255, so 1 / scale stays below 127.5 and rounds to 127.
    expect([...data]).toEqual([-128, -1, 127]);
  });

  it("scales each output channel of a weight, along either axis", () => {
    const values = Float32Array.of(1, -2, 0, 0, 0.5, 0.25);
    const rows = { axis: 0, dims: [3, 2] };
    const rowScales = weightScales(values, rows, weightRange(false));
    expect([...rowScales]).toEqual([Math.fround(4 / 254), 1, Math.fround(1 / 254)]);
    expect([...quantizeWeights(values, rows, rowScales)]).toEqual([64, -127, 0, 0, 127, 64]);
    const columns = { axis: 1, dims: [3, 2] };
    const columnScales = weightScales(values, columns, weightRange(false));
    expect([...columnScales]).toEqual([Math.fround(2 / 254), Math.fround(4 / 254)]);
    expect([...weightScales(values, undefined, weightRange(false))]).toEqual([Math.fround(4 / 254)]);
  });
});

describe("int32 bias", () => {
  it("has the scale of the products, rounded to float32", () => {
    const { data, scales } = quantizeBias(Float32Array.of(1, -0.5), 0.1, Float32Array.of(0.01, 0.02));
    expect([...scales]).toEqual([Math.fround(0.1 * Math.fround(0.01)), Math.fround(0.1 * Math.fround(0.02))]);
    expect([...data]).toEqual([1000, -250]);
  });

  it("widens a weight's scale that would overflow it, and only that", () => {
    const scales = Float32Array.of(1e-9, 0.01);
    const bias = Float32Array.of(3, 3);
    expect(quantizeBias(bias, 1e-3, scales).data[0]).toBe(2 ** 31 - 1);
    const guarded = guardBias(scales, 1e-3, bias);
    expect(guarded[1]).toBe(scales[1]);
    const needed = (1.0001 * 2 * 3) / (2 ** 32 - 2);
    expect(guarded[0]).toBeCloseTo(needed / 1e-3, 12);
    const { data, scales: biasScales } = quantizeBias(bias, 1e-3, guarded);
    expect((data[0] as number) * (biasScales[0] as number)).toBeCloseTo(3, 6);
    expect(guardBias(Float32Array.of(0.01, 0.02), 1e-3, bias)).toEqual(Float32Array.of(0.01, 0.02));
  });
});

describe("saturatesAt", () => {
  it("holds for a Relu whose zero point is the smallest integer, and for a Clip that the range fills", () => {
    expect(saturatesAt({ scale: 0.02, zeroPoint: 0 }, u8, 0, Infinity)).toBe(true);
    expect(saturatesAt({ scale: 6 / 255, zeroPoint: -128 }, s8, 0, 6)).toBe(true);
  });

  // Both examples are known to keep a Conv in float (ClipQuantFusion).
  it("fails for a zero point inside the range, and a range beyond the Clip", () => {
    expect(saturatesAt({ scale: 0.02, zeroPoint: -8 }, s8, 0, Infinity)).toBe(false);
    expect(saturatesAt({ scale: 0.05, zeroPoint: 0 }, u8, 0, 6)).toBe(false);
  });
});
