import { describeSource } from "@edgewatt/protocol";
import { describe, expect, it } from "vitest";
import { powerFlags } from "../../../src/measure/flags/power.ts";
import { goodWindow, stretch } from "../measured-window.ts";

describe("powerFlags", () => {
  it("are silent on good windows, and call an estimate one", () => {
    expect(powerFlags([goodWindow(), goodWindow()], "ina219")).toEqual([]);
    for (const source of ["estimate", "pmic"] as const) {
      expect(powerFlags([goodWindow()], source)).toEqual([`estimate: no meter; source ${describeSource(source)}`]);
    }
  });

  it("name what was wrong in windows without power, and in windows with it", () => {
    const lost = goodWindow({ power: undefined, faults: ["no-answer"] });
    const doubtful = goodWindow({ faults: ["overflow"] });
    expect(powerFlags([lost, doubtful, goodWindow()], "ina219")).toEqual([
      "power-missing: 1 of 3 windows: no-answer",
      "meter-fault: overflow",
    ]);
    expect(powerFlags([goodWindow({ power: undefined })], "ina219")).toEqual([
      "power-missing: 1 of 1 window: no reading before or after",
    ]);
  });

  it("count missing readings and gaps", () => {
    const gap = goodWindow({ power: { ...stretch(10, 4), longestGapUs: 7300 } });
    expect(powerFlags([goodWindow(), gap], "ina219")).toEqual([
      "samples-missing: 7.3 periods of the meter without a reading, over 5",
    ]);
    const lacks = (missing: number) => goodWindow({ power: { ...stretch(10, 4), samples: 10_000 - missing, missing } });
    expect(powerFlags([lacks(10)], "ina219")).toEqual([]);
    expect(powerFlags([lacks(25), goodWindow()], "ina219")).toEqual([
      "samples-missing: 0.25 % of the readings of a window, over 0.1 %",
    ]);
  });

  it("name faults of the meter in idle stretches", () => {
    expect(powerFlags([goodWindow(), goodWindow({ idleFaults: ["energy-lost"] })], "ina228")).toEqual([
      "idle-fault: energy-lost in idle stretches, so net energy may be off",
    ]);
  });

  it("compare idle power before and after", () => {
    expect(powerFlags([goodWindow({ idleAfter: stretch(10, 2.03) })], "ina219")).toEqual([]);
    expect(powerFlags([goodWindow({ idleAfter: stretch(10, 1.9) })], "ina219")).toEqual([
      "idle-drift: idle power before and after a window differ by 5 % at worst, over 2 %",
    ]);
    expect(powerFlags([goodWindow({ idleAfter: undefined })], "ina219")).toEqual([
      "idle-missing: idle power was not measured, so there is no net energy",
    ]);
  });
});
