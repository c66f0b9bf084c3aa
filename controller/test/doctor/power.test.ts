import { describe, expect, it } from "vitest";
import type { Inspection } from "../../src/doctor/agent-report.ts";
import { checkChips, checkMeters, checkSources } from "../../src/doctor/power.ts";

const INA219 = { bus: 1, address: 0x40, chip: "ina219", evidence: "configuration 0x399f" };
const METER = {
  meter: "main",
  source: "ina219",
  channels: ["main"],
  i2c: { bus: 1, address: 0x40 },
  watts: null,
  fault: null,
};

function inspection(change: Partial<Inspection>): Inspection {
  return { sources: [], ownedByKernel: [], meters: [METER], table: "main", issues: [], ...change };
}

describe("power monitors on I2C", () => {
  it("are listed with what they are known by", () => {
    expect(checkChips([INA219], [1])).toEqual({
      name: "sensors",
      status: "ok",
      message: "ina219 at 0x40 of /dev/i2c-1 (configuration 0x399f)",
    });
  });

  it("are missed on a bus that is there, not on one that is not", () => {
    const stranger = { ...INA219, chip: "unknown", evidence: "none of the chips that edgewatt reads" };
    expect(checkChips([stranger], [1])).toMatchObject({
      status: "warn",
      message: expect.stringContaining("unknown at 0x40"),
    });
    expect(checkMeters(inspection({}), [stranger])[0]).toMatchObject({ advice: expect.stringContaining("wiring") });
    expect(checkChips([], [1])).toMatchObject({ status: "warn", advice: expect.stringContaining("wiring") });
    expect(checkChips([], [])).toMatchObject({ status: "ok" });
  });
});

describe("configured meters", () => {
  it("are compared with what answers", () => {
    expect(checkMeters(inspection({}), [INA219])).toEqual([
      { name: "meter main", status: "ok", message: "ina219 answers at 0x40 of /dev/i2c-1; channels: main" },
      { name: "results table", status: "ok", message: "filled by power channel main" },
    ]);
    expect(checkMeters(inspection({}), [])[0]).toMatchObject({
      status: "warn",
      message: "nothing answers at 0x40 of /dev/i2c-1",
    });
    expect(checkMeters(inspection({}), [{ ...INA219, chip: "ina226", evidence: "die id 0x2260" }])[0]).toMatchObject({
      status: "warn",
      message: "configured is ina219, but what answers at 0x40 of /dev/i2c-1 is ina226 (die id 0x2260)",
      advice: expect.stringContaining("source: ina226"),
    });
  });

  it("are sent to hwmon when a kernel driver owns the chip", () => {
    const owned = inspection({ ownedByKernel: [{ chip: "ina219", device: "1-0040" }] });
    expect(checkMeters(owned, [])[0]).toMatchObject({
      status: "warn",
      message: "a kernel driver (ina219) owns 0x40 of /dev/i2c-1",
      advice: expect.stringContaining("source: hwmon"),
    });
  });

  it("show what they read, and an estimate that it is none", () => {
    const [pmic, rapl, broken] = checkMeters(
      inspection({
        meters: [
          { ...METER, source: "pmic", i2c: null, watts: [3.456] },
          { ...METER, source: "rapl", i2c: null, watts: [9] },
          { ...METER, source: "hwmon", i2c: null, fault: "the kernel reads no power monitor" },
        ],
      }),
      [],
    );
    expect(pmic).toMatchObject({
      status: "warn",
      message: expect.stringMatching(/a model of .*; read now: main 3.46 W/),
    });
    expect(rapl).toMatchObject({ status: "ok", message: expect.stringContaining("the processor package only") });
    expect(broken).toMatchObject({ status: "warn", message: "hwmon: the kernel reads no power monitor" });
  });

  it("are not looked at when the configuration is wrong, which stops an agent", () => {
    const issue = "edgewatt.yaml agent.meters.main.source: expected one of ina219, not ina2l9";
    expect(checkMeters(inspection({ meters: [], table: null, issues: [issue] }), [])).toEqual([
      { name: "configuration", status: "fail", message: issue, advice: "correct it, or no agent starts" },
    ]);
  });
});

describe("sources that need no wiring", () => {
  it("say what they measure, or why they are not here", () => {
    const [here, away] = checkSources(
      inspection({
        sources: [
          { source: "rapl", found: true, detail: "packages package-0; now 9.00 W" },
          { source: "pmic", found: false, detail: "vcgencmd is not on the PATH" },
        ],
      }),
    );
    expect(here?.message).toBe("rapl: the processor package only, not the board; packages package-0; now 9.00 W");
    expect(away?.message).toBe("not here: vcgencmd is not on the PATH");
  });
});
