import type { BenchmarkOptions } from "@edgewatt/protocol";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { expectedSeconds, factorsOf, makePlan, type Plan, type PlanInputs } from "../../src/measure/plan.ts";

const FULL: BenchmarkOptions = { quick: false, spinning: false, strict: false };
const QUICK: BenchmarkOptions = { ...FULL, quick: true };

function planOf(options: BenchmarkOptions, over: Partial<PlanInputs> = {}): Plan {
  return makePlan({ options, entries: 12, cores: 4, availableMemoryMb: 8000, seed: 7, ...over });
}

describe("makePlan", () => {
  it("takes the method's figures, and leaves the sampler a core", () => {
    expect(planOf(FULL)).toMatchObject({
      windows: 5,
      maxWindows: 20,
      target: 0.01,
      windowS: 10,
      minRuns: 100,
      idleS: 10,
      warmUp: { minRuns: 10, minS: 3, capS: 60, steadyS: 1 },
      threads: 3,
      batch: 1,
      graphOptimization: "all",
      keepRunners: false,
      seed: 7,
    });
    expect(planOf(QUICK)).toMatchObject({ windows: 3, maxWindows: 3, target: undefined, windowS: 2, idleS: 1 });
  });

  it("honours what is asked for", () => {
    const options = { ...QUICK, spinning: true, strict: true, windows: 4, windowS: 0.5, threads: 2, seed: 3 };
    const asked = planOf({ ...options, graphOptimization: "basic", batch: 8 }, { entries: 2, cores: 1 });
    expect(asked).toMatchObject({ windows: 4, maxWindows: 4, windowS: 0.5, seed: 3, strict: true, keepRunners: true });
    expect(factorsOf(asked)).toEqual({ threads: 2, spinning: true, batch: 8, graphOptimization: "basic" });
  });

  it("takes exactly the windows that are asked for, unless more are allowed", () => {
    expect(planOf({ ...FULL, windows: 7 })).toMatchObject({ windows: 7, maxWindows: 7, target: 0.01 });
    expect(planOf({ ...FULL, windows: 7, maxWindows: 9 })).toMatchObject({ windows: 7, maxWindows: 9 });
    expect(planOf({ ...FULL, maxWindows: 3 })).toMatchObject({ windows: 3, maxWindows: 3 });
    expect(planOf({ ...QUICK, maxWindows: 6, targetHalfWidthPct: 2 })).toMatchObject({
      windows: 3,
      maxWindows: 6,
      target: 0.02,
    });
  });

  it("leaves out more before an idle stretch where a reading would reach back into the window", () => {
    const meter = { source: "ina226", rateHz: 850, accumulates: false, averagingUs: 1176 } as const;
    expect([planOf(FULL, { meter }).rollS, planOf(QUICK, { meter }).rollS]).toEqual([0.5, 0.3]);
    const averaging = { ...meter, rateHz: 0.44, averagingUs: 2_252_800 };
    expect(planOf(FULL, { meter: averaging }).rollS).toBeCloseTo(4.5056, 6);
  });

  it("gives a slow meter three long windows: not an estimate, not running totals, not in a quick run", () => {
    const hwmon = { source: "hwmon", rateHz: 10, accumulates: false, averagingUs: 100_000 } as const;
    const long = { windows: 3, maxWindows: 20, windowS: 60, methodWindowS: 60 };
    const usual = { windows: 5, windowS: 10, methodWindowS: 10 };
    expect(planOf(FULL, { meter: hwmon })).toMatchObject(long);
    expect(planOf(FULL, { meter: { ...hwmon, rateHz: 100 } })).toMatchObject(usual);
    expect(planOf(FULL, { meter: { ...hwmon, accumulates: true } })).toMatchObject(usual);
    expect(planOf(FULL, { meter: { ...hwmon, source: "estimate" } })).toMatchObject(usual);
    expect(planOf({ ...FULL, windowS: 10 }, { meter: hwmon })).toMatchObject({ windowS: 10, methodWindowS: 60 });
    expect(planOf(QUICK, { meter: hwmon })).toMatchObject({ windows: 3, windowS: 2 });
  });

  it("keeps the quick study under its time and the full one under its own", () => {
    expect(expectedSeconds(planOf(QUICK), 12)).toBeLessThan(190);
    expect(expectedSeconds(planOf(FULL), 12)).toBeLessThan(40 * 60);
  });

  it("cuts windows to a time budget, and none is added then", () => {
    const cut = planOf({ ...FULL, budgetS: 900 });
    expect(cut).toMatchObject({ windows: 2, maxWindows: 2, cutFrom: 5 });
    expect(expectedSeconds(cut, 12)).toBeLessThanOrEqual(900);
  });

  it("never plans more than the budget or the limits allow, and never nothing", () => {
    const options = fc.record(
      {
        windows: fc.integer({ min: 1, max: 20 }),
        maxWindows: fc.integer({ min: 1, max: 100 }),
        budgetS: fc.double({ min: 1, max: 20_000, noNaN: true }),
        windowS: fc.double({ min: 0.1, max: 600, noNaN: true }),
        quick: fc.boolean(),
      },
      { requiredKeys: ["quick"] },
    );
    fc.assert(
      fc.property(options, fc.integer({ min: 1, max: 64 }), (some, entries) => {
        const plan = planOf({ ...FULL, ...some }, { entries });
        expect(plan.windows).toBeGreaterThanOrEqual(1);
        expect(plan.windows).toBeLessThanOrEqual(plan.maxWindows);
        expect(plan.windows).toBeLessThanOrEqual(some.windows ?? 5);
        expect(plan.maxWindows).toBeLessThanOrEqual(some.maxWindows ?? some.windows ?? 20);
        if (plan.windows > 1) expect(expectedSeconds(plan, entries)).toBeLessThanOrEqual(plan.budgetS);
      }),
    );
  });

  it("does not hold more runners than memory allows", () => {
    expect(planOf(QUICK, { availableMemoryMb: 800 }).keepRunners).toBe(false);
  });
});
