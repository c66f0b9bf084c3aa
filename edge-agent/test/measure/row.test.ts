import { resultsSchema } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { makePlan } from "../../src/measure/plan.ts";
import type { Stretch } from "../../src/measure/energy.ts";
import { makeRow, type RowFacts } from "../../src/measure/row.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";

const plan = makePlan({
  options: { quick: false, spinning: false, strict: false },
  entries: 12,
  cores: 4,
  availableMemoryMb: 4000,
  seed: 7,
});

const facts: RowFacts = {
  device: "pi-1",
  run: "J/0",
  model: "m",
  precision: "fp32",
  pruning: 0,
  fineTuneEpochs: 0,
  params: 1000,
  fileBytes: 5_000_000,
  baselineMb: 50,
  accuracyPct: 90,
  source: "ina219",
  flags: [],
};

function stretch(seconds: number, meanW: number): Stretch {
  return { joules: meanW * seconds, seconds, meanW, maxW: meanW + 1, samples: 10, longestGapUs: 1000 };
}

/** A window of `n` runs of `ms` each at `meanW` over `idleW`. */
function window(n: number, ms: number, meanW: number, idleW: number): MeasuredWindow {
  const seconds = (n * ms) / 1000;
  return {
    block: 0,
    run: {
      type: "window",
      t0Us: 0,
      t1Us: seconds * 1e6,
      startsUs: Float64Array.from({ length: n }, (_, i) => i * ms * 1000),
      latenciesMs: new Float64Array(n).fill(ms),
      gcMs: 0,
      peakMb: 100,
    },
    power: stretch(seconds, meanW),
    idleBefore: stretch(seconds, idleW),
    idleAfter: stretch(seconds, idleW),
    faults: [],
    periodUs: 1000,
    machine: { before: { throttled: null }, after: { throttled: null } },
  };
}

describe("makeRow", () => {
  it("gives energies that agree with power and time", () => {
    const row = makeRow(facts, [window(2000, 5, 4, 2), window(1950, 5.2, 4.2, 2), window(2100, 4.9, 3.9, 2)], plan);
    const gross = (row.meanPowerW ?? 0) * (row.imageMs ?? 0);
    expect(Math.abs((row.energyMj.gross ?? 0) / gross - 1)).toBeLessThan(1e-9);
    expect(row.energyMj.net).toBeCloseTo(gross - 2 * (row.imageMs ?? 0), 9);
    expect(row.energyMj.grossHalfWidth95).toBeGreaterThan(0);
    expect(row.flags).toEqual([]);
    expect(resultsSchema.shape.rows.safeParse([row]).success).toBe(true);
  });

  it("marks missing power and keeps the other figures", () => {
    const blind: MeasuredWindow = { ...window(2000, 5, 4, 2), power: undefined, faults: ["no-answer"] };
    const row = makeRow(facts, [blind, blind, blind], plan);
    expect(row.meanPowerW).toBeNull();
    expect(row.energyMj).toEqual({ gross: null, grossHalfWidth95: null, net: null, netHalfWidth95: null });
    expect(row.imageMs).toBeCloseTo(5, 9);
    expect(row.flags).toEqual(["power-missing: 3 of 3 windows: no-answer"]);
  });

  it("leaves a window without power out of the energies only", () => {
    const blind: MeasuredWindow = { ...window(2000, 9, 4, 2), power: undefined, faults: ["no-answer"] };
    const row = makeRow(facts, [window(2000, 5, 4, 2), blind, window(2000, 5, 4, 2)], plan);
    expect(row.energyMj.gross).toBeCloseTo(20, 9);
    expect(row.imageMs).toBeCloseTo(5, 9);
    expect(row.flags[0]).toMatch(/^power-missing: 1 of 3/);
  });

  it("says when a window ended before its time", () => {
    const row = makeRow(facts, [window(2000, 5, 4, 2), window(1500, 5, 4, 2), window(2000, 5, 4, 2)], plan);
    expect(row.flags).toContain("short-window: 7.50 s instead of 10 s");
  });

  it("says what is doubtful", () => {
    const drift: MeasuredWindow = {
      ...window(2000, 5, 4, 2),
      idleAfter: stretch(10, 2.5),
      machine: { before: { throttled: 0x50000 }, after: { throttled: 0x50004 } },
    };
    const net = makeRow({ ...facts, source: "estimate" }, [drift, window(1000, 10, 2.2, 2.25), drift], plan);
    expect(net.flags[0]).toBe("estimate: power is modelled from CPU use, no meter");
    expect(net.flags.join()).toContain(
      "idle-drift: idle power before and after a window differ by 25 % at worst, over 2 %",
    );
    expect(net.flags.join()).toMatch(/throttled: the firmware reports 0x50004/);
    expect(net.flags.join()).toMatch(/net-unresolved/);
  });

  it("catches a mean above the maximum", () => {
    const odd = window(2000, 5, 4, 2);
    const broken: MeasuredWindow = { ...odd, power: odd.power && { ...odd.power, maxW: 3 } };
    expect(makeRow(facts, [broken, broken, broken], plan).flags.join()).toMatch(/consistency: mean power is above/);
  });
});
