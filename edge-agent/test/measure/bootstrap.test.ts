import { describe, expect, it } from "vitest";
import { pairedRatio, type Pair } from "../../src/measure/bootstrap.ts";
import { normal, seeded } from "./waveforms.ts";

const TRUE_RATIO = 0.62;

/** Blocks that raise or lower both rows by 2 %, and each row by 1 % of its own. */
function blocks(n: number, random: () => number, gain = 1): Pair[] {
  return Array.from({ length: n }, () => {
    const block = gain * (1 + 0.02 * normal(random));
    const amount = (mean: number) => mean * block * (1 + 0.01 * normal(random)) * 100;
    return {
      numerator: { amount: amount(TRUE_RATIO), images: 100 },
      denominator: { amount: amount(1), images: 100 },
    };
  });
}

describe("pairedRatio", () => {
  it.each([3, 5, 10])("with %i blocks covers the true ratio in 93 to 99.5 percent of runs", (n) => {
    const runs = 1000;
    const random = seeded(n);
    const covered = Array.from({ length: runs }, (_, run) => pairedRatio(blocks(n, random), run)).filter(
      (ratio) => ratio !== null && ratio.low95 <= TRUE_RATIO && TRUE_RATIO <= ratio.high95,
    );
    expect(covered.length / runs).toBeGreaterThanOrEqual(0.93);
    expect(covered.length / runs).toBeLessThanOrEqual(0.995);
  });

  it("is not touched by a gain that both rows share", () => {
    const plain = pairedRatio(blocks(5, seeded(3)), 1);
    const scaled = pairedRatio(blocks(5, seeded(3), 1.7), 1);
    expect(scaled?.value).toBeCloseTo(plain?.value ?? 0, 12);
    expect(scaled?.high95).toBeCloseTo(plain?.high95 ?? 0, 12);
  });

  it("is narrower than rows compared as if they were of different days", () => {
    const pairs = blocks(10, seeded(11));
    const shuffled = pairs.map(({ numerator }, i) => ({
      numerator,
      denominator: (pairs[(i + 1) % pairs.length] ?? pairs[0])?.denominator ?? numerator,
    }));
    const width = (of: readonly Pair[]) => {
      const ratio = pairedRatio(of, 1);
      return (ratio?.high95 ?? 0) - (ratio?.low95 ?? 0);
    };
    expect(width(pairs)).toBeLessThan(0.8 * width(shuffled));
  });

  it("repeats with its seed", () => {
    expect(pairedRatio(blocks(5, seeded(2)), 9)).toEqual(pairedRatio(blocks(5, seeded(2)), 9));
    expect(pairedRatio(blocks(5, seeded(2)), 9)).not.toEqual(pairedRatio(blocks(5, seeded(2)), 10));
  });

  it("gives no ratio of two blocks, nor of energies that are not above zero", () => {
    expect(pairedRatio(blocks(2, seeded(1)), 1)).toBeNull();
    const others = blocks(3, seeded(1));
    const negative = { numerator: { amount: -1, images: 100 }, denominator: { amount: 5, images: 100 } };
    expect(pairedRatio([negative, ...others], 1)).toBeNull();
  });
});
