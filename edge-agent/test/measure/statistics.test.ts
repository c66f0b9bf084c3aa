import { describe, expect, it } from "vitest";
import { halfWidth95, median, quantiles, standardDeviation, studentT975 } from "../../src/measure/statistics.ts";

describe("statistics", () => {
  it("knows Student's t", () => {
    expect(studentT975(2)).toBeCloseTo(4.303, 3);
    expect(studentT975(19)).toBeCloseTo(2.093, 3);
    // Beyond the table, by published tables.
    for (const [degrees, t] of [
      [31, 2.0395],
      [40, 2.0211],
      [60, 2.0003],
      [99, 1.9842],
      [1e6, 1.96],
    ] as const) {
      expect(Math.abs(studentT975(degrees) - t)).toBeLessThan(0.001);
    }
  });

  it("gives the half-width of a mean by hand", () => {
    // 1, 2, 3: s = 1, so 4.303 / √3.
    expect(standardDeviation([1, 2, 3])).toBe(1);
    expect(halfWidth95([1, 2, 3])).toBeCloseTo(2.4843, 3);
    expect(halfWidth95([5])).toBeNull();
  });

  it("gives no quantile that too few values support", () => {
    const thousand = Float64Array.from({ length: 1000 }, (_, i) => i);
    expect(quantiles(thousand, [0.5, 0.95, 0.99])).toEqual([499.5, 949.05, expect.closeTo(989.01, 6)]);
    expect(quantiles(thousand.subarray(0, 999), [0.99])).toEqual([null]);
    expect(median([3, 1, 2])).toBe(2);
  });
});
