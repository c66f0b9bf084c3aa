import { describe, expect, it } from "vitest";
import { longestGapS, ReadingCounts } from "../../src/sampler/reading-counts.ts";
import { ReadingWatch } from "../../src/sampler/reading-report.ts";
import { TraceRing } from "../../src/sampler/ring.ts";

const S = 1e6;
const MS = 1000;

function push(ring: TraceRing, ...timesMs: number[]): void {
  const nothing = { volts: Number.NaN, amps: Number.NaN, joules: Number.NaN };
  for (const ms of timesMs) ring.push({ ...nothing, tUs: ms * MS, watts: 1 });
}

describe("ReadingWatch", () => {
  it("counts each reading once, with the distance to the one before, also when the ring has wrapped", () => {
    const ring = new TraceRing(8);
    const watch = new ReadingWatch();
    expect(watch.report(ring, 10 * MS)).toBeUndefined();
    push(ring, 0, 10, 21, 30);
    expect(watch.report(ring, 10 * MS)).toEqual({ newestUs: 30 * MS, readings: 4, missed: 0, gapUs: 11 * MS });
    expect(watch.report(ring, 10 * MS)).toBeUndefined();
    push(ring, 71, 80, 90, 100, 110, 120);
    expect(watch.report(ring, 10 * MS)).toEqual({ newestUs: 120 * MS, readings: 6, missed: 3, gapUs: 41 * MS });
  });

  it("goes on in the ring that takes the place of another, by the schedule of then", () => {
    const watch = new ReadingWatch();
    const slow = new TraceRing(8);
    push(slow, 0, 100, 200);
    watch.report(slow, 100 * MS);
    const fast = new TraceRing(100);
    push(fast, 205, 206, 209);
    expect(watch.report(fast, MS)).toEqual({ newestUs: 209 * MS, readings: 3, missed: 2, gapUs: 3 * MS });
  });
});

describe("ReadingCounts", () => {
  function report(counts: ReadingCounts, atS: number, gapUs = 1000): void {
    counts.add("main", { newestUs: atS * S, readings: 1000, missed: 2, gapUs });
  }
  function of(counts: ReadingCounts) {
    const found = counts.channels.get("main");
    if (found === undefined) throw new RangeError("nothing was counted");
    return found;
  }

  it("adds up readings and those that are missing, by channel", () => {
    const counts = new ReadingCounts();
    for (const atS of [5, 6, 7]) report(counts, atS);
    counts.add("other", { newestUs: 9 * S, readings: 1, missed: 0, gapUs: 0 });
    expect(of(counts)).toMatchObject({ readings: 3000, missed: 6, newestUs: 7 * S });
  });

  it("remembers the longest gap for half a minute at least and a minute at most", () => {
    const counts = new ReadingCounts();
    for (let atS = 0; atS < 40; atS++) report(counts, atS, atS === 10 ? 40_000 : 1000);
    expect(longestGapS(of(counts))).toBe(0.04);
    for (let atS = 40; atS < 70; atS++) report(counts, atS);
    expect(longestGapS(of(counts))).toBe(0.001);
    // A long silence leaves nothing of what was before it.
    report(counts, 70, 50_000);
    report(counts, 600, 2000);
    expect(longestGapS(of(counts))).toBe(0.002);
  });

  it("counts faults by code", () => {
    const counts = new ReadingCounts();
    for (const code of ["nack", "nack", "not-ready"]) counts.fault(code);
    expect(Object.fromEntries(counts.faults)).toEqual({ nack: 2, "not-ready": 1 });
  });
});
