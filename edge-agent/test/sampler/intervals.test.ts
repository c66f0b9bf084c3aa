import { describe, expect, it } from "vitest";
import { IntervalMeans } from "../../src/sampler/intervals.ts";
import type { PowerInterval } from "../../src/sampler/messages.ts";
import { TraceRing } from "../../src/sampler/ring.ts";

const nothing = { volts: Number.NaN, amps: Number.NaN, joules: Number.NaN };

function collect(): { means: IntervalMeans; rows: PowerInterval[] } {
  const rows: PowerInterval[] = [];
  return { means: new IntervalMeans(100_000, (row) => rows.push(row)), rows };
}

describe("IntervalMeans", () => {
  it("gives one row per tenth of a second with mean and extremes", () => {
    const { means, rows } = collect();
    for (let tUs = 0; tUs <= 300_000; tUs += 1000) {
      means.add({ ...nothing, tUs, watts: 2 + tUs / 100_000, volts: 5, amps: 0.5 });
    }
    expect(rows.map(({ tUs }) => tUs)).toEqual([100_000, 200_000, 300_000]);
    expect(rows[1]?.w).toBeCloseTo(3.5, 9);
    expect(rows[1]).toMatchObject({ wMin: 3, n: 100, v: 5, a: 0.5 });
    expect(rows[1]?.wMax).toBeCloseTo(3.99, 9);
  });

  it("gives the rows of intervals that the sampler slept through", () => {
    const { means, rows } = collect();
    means.add({ ...nothing, tUs: 0, watts: 2, joules: 0 });
    means.add({ ...nothing, tUs: 350_000, watts: 4, joules: 1.4 });
    means.add({ ...nothing, tUs: 450_000, watts: 2, joules: 1.6 });
    expect(rows.map(({ tUs }) => tUs)).toEqual([100_000, 200_000, 300_000, 400_000]);
    for (const row of rows.slice(0, 3)) expect(row.w).toBeCloseTo(4, 9);
    expect(rows[3]?.w).toBeCloseTo(3, 9);
    expect(rows.every(({ wMin, w, wMax }) => wMin <= w && w <= wMax)).toBe(true);
  });

  it("leaves out a long silence of a momentary meter", () => {
    const { means, rows } = collect();
    const meter = { volts: 5, amps: 0.4, joules: Number.NaN, watts: 2 };
    for (const tUs of [0, 50_000, 150_000, 450_000, 550_000, 3_050_000, 3_150_000]) means.add({ ...meter, tUs });
    expect(rows.map(({ tUs }) => tUs)).toEqual([100_000, 200_000, 300_000, 400_000, 500_000, 3_100_000]);
    expect(rows.map(({ w }) => w)).toEqual([2, 2, 2, 2, 2, 2]);
  });

  it("does not bridge lost readings", () => {
    const { means, rows } = collect();
    means.add({ ...nothing, tUs: 10_000, watts: 2 });
    means.add({ ...nothing, tUs: 110_000, watts: 2 });
    means.interrupt();
    means.add({ ...nothing, tUs: 910_000, watts: 2 });
    means.add({ ...nothing, tUs: 1_010_000, watts: 2 });
    expect(rows.map(({ tUs }) => tUs)).toEqual([100_000, 1_000_000]);
  });
});

describe("TraceRing", () => {
  it("gives a stretch with a reading beyond each edge, after it has wrapped", () => {
    const ring = new TraceRing(10);
    for (let i = 0; i < 25; i++) ring.push({ ...nothing, tUs: i * 10, watts: i });
    expect([...ring.slice(175, 195).tUs]).toEqual([170, 180, 190, 200]);
    expect([...ring.slice(180, 190).watts]).toEqual([18, 19]);
    expect(ring.newestUs).toBe(240);
    expect([...ring.slice(0, 160).tUs]).toEqual([150, 160]);
  });
});
