import type { BenchmarkOptions } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { runFlags } from "../../../src/measure/flags/run.ts";
import { makePlan, type Plan } from "../../../src/measure/plan.ts";
import { goodWindow } from "../measured-window.ts";

function planOf(options: Partial<BenchmarkOptions> = {}, entries = 2): Plan {
  const full = { quick: false, spinning: false, strict: false };
  return makePlan({ options: { ...full, ...options }, entries, cores: 4, availableMemoryMb: 4000, seed: 1 });
}

const FIVE = Array.from({ length: 5 }, () => goodWindow());

describe("runFlags", () => {
  it("are silent on the method's windows", () => {
    expect(runFlags(FIVE, planOf())).toEqual([]);
  });

  it("tell of a quick run, and of few windows by wish or for want of time", () => {
    expect(runFlags(FIVE.slice(2), planOf({ quick: true }))).toEqual([
      "quick: 3 windows of 2 s show that it works; cite a full run",
    ]);
    expect(runFlags(FIVE.slice(3), planOf({ windows: 2 }))).toEqual(["few-windows: 2"]);
    expect(runFlags(FIVE.slice(3), planOf({ budgetS: 900 }, 12))).toEqual([
      "few-windows: 2 instead of 5 to keep to the time budget",
    ]);
  });

  it("tell of windows that are shorter than the method's or than was asked for", () => {
    expect(runFlags(FIVE, planOf({ windowS: 5 }))).toEqual([
      "window-length: windows of 5 s, those of the method have 10 s with this meter",
    ]);
    expect(runFlags(FIVE, planOf({ windowS: 20 }))).toEqual(["short-window: 10.00 s instead of 20 s"]);
  });

  it("tell of garbage collection", () => {
    const [good = goodWindow()] = FIVE;
    expect(runFlags([...FIVE, { ...good, run: { ...good.run, gcMs: 100 } }], planOf())).toEqual([]);
    expect(runFlags([...FIVE, { ...good, run: { ...good.run, gcMs: 180 } }], planOf())).toEqual([
      "gc: garbage collection took 1.8 % of a window, over 1 %",
    ]);
    expect(runFlags([...FIVE, { ...good, run: { ...good.run, gcMs: 100.4 } }], planOf())).toEqual([
      "gc: garbage collection took 1.004 % of a window, over 1 %",
    ]);
  });
});
