import { describe, expect, it } from "vitest";
import { ina219 } from "../../../src/sensors/ina219/ina219.ts";
import {
  configurationWord,
  conversionUs,
  errorLimits,
  RECOGNITION,
  scaleFor,
  SHUNT_RANGES_V,
} from "../../../src/sensors/ina219/registers.ts";
import { faultOf, readOne, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna219 } from "../simulated-ina219.ts";
import { SimulatedMemory } from "../simulated-monitor.ts";

async function open(settings: object) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna219();
  host.bus.chips.set(0x40, chip);
  return { host, chip, sensor: await ina219.open(ina219.config.parse(settings), host) };
}

describe("INA219 registers", () => {
  const simple = { resolutionBits: 12, averaging: 1 } as const;

  it("follow tables 3 to 5 of the datasheet", () => {
    // The reset value: 32 V, PG /8, 12 bits, continuous.
    expect(configurationWord(32, 0.32, simple)).toBe(0x399f);
    expect(configurationWord(16, 0.04, simple)).toBe(0x019f);
    expect(configurationWord(16, 0.04, { resolutionBits: 9, averaging: 1 })).toBe(0x0007);
    expect(configurationWord(16, 0.04, { resolutionBits: 12, averaging: 128 })).toBe(0x07ff);
    expect(conversionUs({ resolutionBits: 9, averaging: 1 })).toBe(84);
    // Table 5 rounds it to 68.10 ms.
    expect(conversionUs({ resolutionBits: 12, averaging: 128 })).toBe(68_096);
  });

  it("scale as in the example of table 8: 1 mA and 20 mW with a calibration of 0x5000", () => {
    expect(scaleFor(0.002, 32.8)).toEqual({
      calibration: 0x5000,
      currentLsbA: expect.closeTo(1e-3, 12) as number,
      powerLsbW: expect.closeTo(20e-3, 12) as number,
    });
  });

  it("have limits of error by range, through the shunt", () => {
    expect(SHUNT_RANGES_V.map((rangeV) => errorLimits({ ohm: 0.1, tolerance: 0.01, rangeV }).offsetA)).toEqual([
      expect.closeTo(1e-3, 12),
      expect.closeTo(1.25e-3, 12),
      expect.closeTo(1.5e-3, 12),
      expect.closeTo(2e-3, 12),
    ]);
  });
});

describe("INA219", () => {
  it("gives what table 8 of the datasheet gives for 10 A at 11.98 V", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.002, maxA: 32.8 });
    chip.convert({ volts: 11.98, amps: 10, shuntOhm: 0.002 });
    expect(chip).toMatchObject({ calibration: 0x5000, shunt: 2000, bus: 2995, current: 10_000, power: 5990 });
    expect(readOne(sensor)).toMatchObject({
      watts: expect.closeTo(119.8, 9) as number,
      volts: expect.closeTo(11.98, 9) as number,
      amps: expect.closeTo(10, 9) as number,
      joules: Number.NaN,
    });
  });

  it("takes the smallest range that holds the current", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.01, maxA: 5 });
    expect(chip.configuration).toBe(0x099f);
    expect(sensor.channels[0]?.settings["shuntRangeV"]).toBe(0.08);
  });

  it("averages 12-bit samples", async () => {
    const { chip, sensor } = await open({ averaging: 8 });
    expect(chip.configuration & 0x7f8).toBe((0xb << 7) | (0xb << 3));
    expect(sensor.channels[0]?.averagingUs).toBe(8512);
    await expect(open({ averaging: 8, resolutionBits: 10 })).rejects.toMatchObject({ code: "adc-settings" });
  });

  it("names a current beyond maxA that the shunt's range still holds", async () => {
    const { chip, sensor } = await open({ maxA: 1 });
    chip.convert({ volts: 5, amps: 1.4, shuntOhm: 0.1 });
    expect(chip.shunt).toBe(14_000);
    expect(faultOf(sensor)).toBe("overflow");
  });

  it("names a supply beyond its range", async () => {
    const { chip, sensor } = await open({});
    chip.convert({ volts: 17, amps: 0.1, shuntOhm: 0.1 });
    expect(faultOf(sensor)).toBe("overflow");
    const wide = await open({ busRangeV: 32 });
    wide.chip.convert({ volts: 17, amps: 0.1, shuntOhm: 0.1 });
    expect(readOne(wide.sensor).volts).toBeCloseTo(17, 2);
  });

  it("says of a stranger without id registers what it was not known by", async () => {
    const host = new SimulatedHost();
    const chip = new SimulatedIna219();
    chip.configuration = 0xc000;
    host.bus.chips.set(0x40, chip);
    await expect(ina219.open(ina219.config.parse({}), host)).rejects.toThrow(/is no INA219: its registers hold what/);
    expect(host.bus.writes).toEqual([]);
  });

  it("does not take a load of nothing for a reset", async () => {
    const { chip, sensor } = await open({});
    chip.convert({ volts: 5, amps: 0, shuntOhm: 0.1 });
    expect(readOne(sensor)).toMatchObject({ watts: 0, amps: 0 });
  });
});

describe("recognising an INA219", () => {
  const seen = (chip: SimulatedIna219 | SimulatedMemory) => {
    const { bus } = new SimulatedHost();
    bus.chips.set(0x40, chip);
    return {
      bus,
      byReading: RECOGNITION.recognise(bus, 0x40),
      byWriting: () => RECOGNITION.confirm?.(bus, 0x40),
    };
  };

  it("only reads at first, and tells the reset value from others", () => {
    const chip = new SimulatedIna219();
    expect(seen(chip).byReading).toMatch(/0x399f, the reset value/);
    chip.configuration = 0x019f;
    const { bus, byReading } = seen(chip);
    expect(byReading).toMatch(/0x19f is plausible/);
    expect(bus.writes).toEqual([]);
    chip.configuration = 0x4127;
    expect(seen(chip).byReading).toBeUndefined();
  });

  it("by writing leaves a calibration in use as it is, all the time", () => {
    const chip = new SimulatedIna219();
    chip.calibration = 4198;
    const { bus, byWriting } = seen(chip);
    expect(byWriting()).toMatch(/0x1067 reads back as 0x1066/);
    expect(bus.writes.map(([, , value]) => value & ~1)).toEqual([4198, 4198]);
  });

  it("by writing finds out a memory, and one that takes nothing", () => {
    const memory = new SimulatedMemory();
    expect(seen(memory).byWriting()).toBeUndefined();
    expect(memory.words.get(5)).toBe(0);
    memory.write = () => {};
    expect(seen(memory).byWriting()).toBeUndefined();
  });
});
