import { resultsSchema } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { makePlan } from "../../src/measure/plan.ts";
import { makeRow, type RowMeter } from "../../src/measure/row.ts";
import type { MeasuredWindow } from "../../src/measure/window-figures.ts";
import { measuredWindow as window, rowFacts, stretch } from "./measured-window.ts";

const plan = makePlan({
  options: { quick: false, spinning: false, strict: false },
  entries: 12,
  cores: 4,
  availableMemoryMb: 4000,
  seed: 7,
});

const facts = rowFacts({});

const meter: RowMeter = {
  limits: { gain: { shunt: 0.01, chip: 0.005 }, offsetA: 0.002, offsetV: 0.004, timeBase: 0 },
  accumulates: false,
  averagingUs: 1064,
};

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
    expect(new Set(Object.values(row.energyMj))).toEqual(new Set([null]));
    expect([row.maxPowerW, row.maxPower10msW, row.maxPowerBandwidthHz]).toEqual([null, null, null]);
    expect(row.windows).toEqual({ measured: 3, powered: 0 });
    expect(row.imageMs).toBeCloseTo(5, 9);
    expect(row.flags).toEqual(["power-missing: 3 of 3 windows: no-answer"]);
  });

  it("leaves a window without power out of the energies only", () => {
    const blind: MeasuredWindow = { ...window(2000, 9, 4, 2), power: undefined, faults: ["no-answer"] };
    const row = makeRow(facts, [window(2000, 5, 4, 2), blind, window(2000, 5, 4, 2)], plan);
    expect(row.energyMj.gross).toBeCloseTo(20, 9);
    expect(row.imageMs).toBeCloseTo(5, 9);
    expect(row.latencyMs.mean).toBeCloseTo(19 / 3, 9);
    expect(row.windows).toEqual({ measured: 3, powered: 2 });
    expect(row.flags[0]).toMatch(/^power-missing: 1 of 3/);
  });

  it("adds the meter's part to the half-widths in quadrature where its limits are stated, and says so where not", () => {
    const windows = [window(2000, 5, 4, 2), window(2000, 5, 4.1, 2), window(2000, 5, 3.9, 2)];
    const stated = makeRow({ ...facts, meter }, windows, plan).energyMj;
    const unstated = makeRow({ ...facts, meter: { ...meter, limits: null } }, windows, plan).energyMj;
    expect(unstated.grossMeter95).toBeNull();
    expect(unstated.grossHalfWidth95).toBe(unstated.grossRepetition95);
    expect(stated.grossRepetition95).toBe(unstated.grossRepetition95);
    expect(stated.grossHalfWidth95).toBeCloseTo(
      Math.hypot(stated.grossRepetition95 ?? 0, stated.grossMeter95 ?? 0),
      12,
    );
    expect(stated.netHalfWidth95).toBeCloseTo(Math.hypot(stated.netRepetition95 ?? 0, stated.netMeter95 ?? 0), 12);
    expect(stated.netMeter95).toBeLessThan(stated.grossMeter95 ?? 0);
    const [first] = windows;
    const single = first && makeRow({ ...facts, meter }, [first], plan).energyMj;
    expect(single?.grossHalfWidth95).toBeNull();
    expect(single?.grossMeter95).toBeGreaterThan(0);
  });

  it("states what the maximum of power can show, and the extremes of latency that its runs support", () => {
    const row = makeRow(
      { ...facts, meter },
      [window(2000, 5, 4, 2), window(2000, 6, 4.2, 2), window(2000, 4, 4, 2)],
      plan,
    );
    expect(row).toMatchObject({ maxPowerW: 5.2, memoryBaselineMb: 50, memorySessionMb: 28, memoryModelMb: 22 });
    expect(row.maxPower10msW).toBeCloseTo(4.6, 12);
    expect(row.maxPowerBandwidthHz).toBeCloseTo(416.4, 1);
    expect(row.latencyMs).toMatchObject({ min: 4, max: 6, p50: 5, p90: 6, p99: 6, p999: null });
  });

  it("says how the meter kept its schedule at worst, and nothing where there was no power", () => {
    const good = window(2000, 5, 4, 2);
    const slow = { ...good, power: good.power && { ...good.power, rateHz: 890, jitterP99Us: 450, missing: 2 } };
    const lost = { ...good, power: good.power && { ...good.power, missing: 1 } };
    expect(makeRow(facts, [good, slow, lost], plan).sampling).toEqual({ rateHz: 890, jitterP99Ms: 0.45, missing: 3 });
    const blind = { ...good, power: undefined };
    expect(makeRow(facts, [blind, blind, blind], plan).sampling).toBeNull();
  });

  it("flags energies that come out differently by another way", () => {
    const odd = window(2000, 5, 4, 2);
    const power = odd.power && { ...odd.power, checks: { total: -0.013, meanTimesTime: 0.0061 } };
    const { flags } = makeRow(facts, [odd, { ...odd, power }, odd], plan);
    expect(flags).toEqual([
      "energy-cross-check: the chip's own total and its readings differ by 1.3 %, over 1 %",
      "energy-cross-check: mean power × time differs from the integral by 0.61 %, over 0.5 %",
    ]);
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
    expect(net.flags[0]).toMatch(/^estimate: no meter; source estimate: .* model of CPU load/);
    expect(net.flags.join()).toContain(
      "idle-drift: idle power before and after a window differ by 25 % at worst, over 2 %",
    );
    expect(net.flags.join()).toMatch(/throttled: the firmware reports 0x50004/);
    expect(net.flags.join()).toMatch(/net-unresolved/);
  });

  it("says when the net energy is below zero, even within what consistency allows", () => {
    const windows = [4, 4.0001, 3.9999].map((watts) => window(2000, 5, watts, 4.01));
    const { energyMj, flags } = makeRow(facts, windows, plan);
    expect(energyMj.net).toBeCloseTo(-0.05, 6);
    expect(flags).toEqual(["net-negative: idle power was above the mean of the windows"]);
    const [only] = windows;
    expect(only && makeRow(facts, [only], { ...plan, windows: 1 }).flags).toContain(flags[0]);
    const unresolved = [3.9, 4.1, 4].map((watts) => window(2000, 5, watts, 4.01));
    expect(makeRow(facts, unresolved, plan).flags).toEqual(["net-unresolved: the net energy cannot be told from zero"]);
  });

  it("does not take rounding for a net energy, as where an estimate is at its full watts throughout", () => {
    const [less, same] = [6 - 1e-14, 6].map((watts) => window(2000, 5, watts, 6));
    const windows = [less, less, less].flatMap((each) => each ?? []);
    const { energyMj, flags } = makeRow(facts, windows, plan);
    expect(energyMj.net).toBeLessThan(-(energyMj.netHalfWidth95 ?? 0));
    expect(flags).toEqual(["net-unresolved: the net energy cannot be told from zero"]);
    expect(same && makeRow(facts, [same, same, same], plan).flags).toEqual(flags);
  });

  it("catches a mean above the maximum", () => {
    const odd = window(2000, 5, 4, 2);
    const broken: MeasuredWindow = { ...odd, power: odd.power && { ...odd.power, maxW: 3 } };
    expect(makeRow(facts, [broken, broken, broken], plan).flags.join()).toMatch(
      /consistency: mean power 4.000 W is above max power 3.000 W/,
    );
  });
});
