import { describe, expect, it } from "vitest";
import { ALIGNMENTS, keptCount } from "../../src/choose/kept-count.ts";

describe("how many channels are kept", () => {
  it("is what the study kept, where counts are not aligned", () => {
    expect([32, 64, 128, 512, 1024].map((channels) => keptCount(channels, 0.05, 1))).toEqual([30, 60, 121, 486, 972]);
    expect([32, 64, 128, 512, 1024].map((channels) => keptCount(channels, 0.3, 1))).toEqual([22, 44, 89, 358, 716]);
  });

  it("does not fall short by what a fraction is not exact", () => {
    expect(keptCount(10, 0.9, 1)).toBe(1);
    expect(keptCount(100, 0.29, 1)).toBe(71);
    expect(keptCount(1000, 0.007, 1)).toBe(993);
  });

  it("is the nearest multiple, at least one, and no more than there are", () => {
    expect(keptCount(64, 0.3, 16)).toBe(48);
    expect(keptCount(128, 0.3, 16)).toBe(96);
    expect(keptCount(32, 0.4, 16)).toBe(16);
    expect(keptCount(32, 0.2, 16)).toBe(32);
    expect(keptCount(16, 0.9, 16)).toBe(16);
    expect(keptCount(10, 0.5, 16)).toBe(10);
    expect(keptCount(24, 0.1, 8)).toBe(24);
    expect(keptCount(24, 0.3, 8)).toBe(16);
  });

  it.each(ALIGNMENTS)("is all of them for a fraction of 0, in multiples of %i too", (align) => {
    for (const channels of [1, 7, 16, 24, 100]) expect(keptCount(channels, 0, align)).toBe(channels);
  });
});
