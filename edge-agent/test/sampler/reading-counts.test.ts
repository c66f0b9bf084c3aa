import { describe, expect, it } from "vitest";
import { longestGapS, ReadingCounts } from "../../src/sampler/reading-counts.ts";

const S = 1e6;

/** Means of every tenth of a second in [fromS, toS). */
function deliver(counts: ReadingCounts, fromS: number, toS: number, gapUs = 1000): void {
  for (let tenth = Math.round(fromS * 10); tenth < Math.round(toS * 10); tenth++) {
    counts.interval("main", { tUs: tenth * 100_000, n: 100, gapUs });
  }
}

function of(counts: ReadingCounts) {
  const found = counts.channels.get("main");
  if (found === undefined) throw new RangeError("nothing was counted");
  return found;
}

describe("ReadingCounts", () => {
  it("counts readings, and tenths of a second that are missing between others", () => {
    const counts = new ReadingCounts();
    deliver(counts, 5, 6);
    expect(of(counts)).toMatchObject({ readings: 1000, missed: 0, newestUs: 5.9 * S });
    deliver(counts, 6.5, 7);
    expect(of(counts)).toMatchObject({ readings: 1500, missed: 5 });
    counts.interval("other", { tUs: 7 * S, n: 1, gapUs: 0 });
    expect(of(counts).missed).toBe(5);
  });

  it("remembers the longest gap for half a minute at least and a minute at most", () => {
    const counts = new ReadingCounts();
    deliver(counts, 0, 10);
    counts.interval("main", { tUs: 10 * S, n: 1, gapUs: 40_000 });
    deliver(counts, 10.1, 40);
    expect(longestGapS(of(counts))).toBe(0.04);
    deliver(counts, 40, 70);
    expect(longestGapS(of(counts))).toBe(0.001);
    // A long silence leaves nothing of what was before it.
    counts.interval("main", { tUs: 70 * S, n: 1, gapUs: 50_000 });
    counts.interval("main", { tUs: 600 * S, n: 1, gapUs: 2000 });
    expect(longestGapS(of(counts))).toBe(0.002);
  });

  it("counts faults by code", () => {
    const counts = new ReadingCounts();
    for (const code of ["nack", "nack", "not-ready"]) counts.fault(code);
    expect([...counts.faults]).toEqual([
      ["nack", 2],
      ["not-ready", 1],
    ]);
  });
});
