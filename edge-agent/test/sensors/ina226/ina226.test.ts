import { describe, expect, it } from "vitest";
import { ina226 } from "../../../src/sensors/ina226/ina226.ts";
import { configurationWord, scaleFor } from "../../../src/sensors/ina226/registers.ts";
import { readOne, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna226 } from "../simulated-ina226.ts";

async function open(settings: object) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna226();
  host.bus.chips.set(0x40, chip);
  return { host, chip, sensor: await ina226.open(ina226.config.parse(settings), host) };
}

describe("INA226", () => {
  it("has the configuration of tables 7-3 to 7-5", () => {
    // The reset value: one sample of 1.1 ms each.
    expect(configurationWord({ averaging: 1, busConversionUs: 1100, shuntConversionUs: 1100 })).toBe(0x4127);
    expect(configurationWord({ averaging: 1024, busConversionUs: 8244, shuntConversionUs: 140 })).toBe(0x4fc7);
  });

  it("scales as in the datasheet's example of 10 A through 2 mOhm: 1 mA and 25 mW with a calibration of 0xa00", () => {
    expect(scaleFor(0.002, 32.768)).toEqual({
      calibration: 0xa00,
      currentLsbA: expect.closeTo(1e-3, 12) as number,
      powerLsbW: expect.closeTo(25e-3, 12) as number,
    });
  });

  it("gives what that example gives", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.002, maxA: 32.768 });
    chip.convert({ volts: 11.98, amps: 10, shuntOhm: 0.002 });
    expect(chip).toMatchObject({ calibration: 0xa00, shunt: 8000, bus: 9584, current: 10_000, power: 4792 });
    expect(readOne(sensor)).toMatchObject({
      watts: expect.closeTo(119.8, 9) as number,
      volts: expect.closeTo(11.98, 9) as number,
      joules: Number.NaN,
    });
  });

  it("takes as long as its samples", async () => {
    const { chip, sensor } = await open({ averaging: 16, shuntConversionUs: 332, busConversionUs: 140 });
    expect(chip.configuration).toBe(0x4000 | (2 << 9) | (0 << 6) | (2 << 3) | 7);
    expect(sensor.rateHz).toBeCloseTo(1e6 / (16 * 472), 9);
    expect(sensor.channels[0]).toMatchObject({ averagingUs: 16 * 472, settings: { dieId: "0x2260" } });
  });

  it("refuses a chip that does not hold its configuration", async () => {
    const host = new SimulatedHost();
    const chip = new SimulatedIna226();
    chip.write = () => {};
    host.bus.chips.set(0x40, chip);
    await expect(ina226.open(ina226.config.parse({}), host)).rejects.toMatchObject({ code: "set-up" });
    expect(host.bus.disposals).toBe(1);
  });
});
