import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createBlockOrder } from "../../src/measure/blocks.ts";

const ALL = [...Array(12).keys()];

function orders(seed: number, blocks: number): number[][] {
  const orderOf = createBlockOrder(seed);
  return Array.from({ length: blocks }, () => orderOf(ALL));
}

describe("createBlockOrder", () => {
  it("has every entry once per block, whichever are left", () => {
    fc.assert(
      fc.property(fc.integer(), fc.uniqueArray(fc.nat(63)), (seed, entries) => {
        const order = createBlockOrder(seed)(entries);
        expect([...order].sort((a, b) => a - b)).toEqual([...entries].sort((a, b) => a - b));
      }),
    );
  });

  it("gives orders that differ from block to block and that the seed repeats", () => {
    expect(orders(42, 5)).toEqual(orders(42, 5));
    expect(orders(43, 5)).not.toEqual(orders(42, 5));
    expect(new Set(orders(42, 5).map(String)).size).toBe(5);
  });

  it("puts no entry in front more often than another", () => {
    const first = orders(1, 6000).map(([entry]) => entry);
    // Binomial with mean 500 and standard deviation 21: within five of those.
    for (const entry of ALL) expect(Math.abs(first.filter((other) => other === entry).length - 500)).toBeLessThan(107);
  });
});
