import { describe, expect, it } from "vitest";
import { ina238 } from "../../../src/sensors/ina238/ina238.ts";
import { scaleFor } from "../../../src/sensors/ina238/registers.ts";
import { faultOf, readOne, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna228 } from "../simulated-ina228.ts";

async function open(settings: object) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna228("ina238");
  host.bus.chips.set(0x40, chip);
  return { chip, sensor: await ina238.open(ina238.config.parse(settings), host) };
}

describe("INA238", () => {
  it("scales as in the datasheet's example of 10 A through 16.2 mOhm, and with the narrow range", () => {
    const scale = scaleFor(0.0162, 10, 0.16384);
    expect(scale.calibration).toBe(4050);
    expect(scale.currentLsbA).toBeCloseTo(305.176e-6, 9);
    expect(scale.powerLsbW).toBeCloseTo(61.035156e-6, 12);
    expect(scaleFor(0.004, 10, 0.04096)).toMatchObject({ calibration: 4000, currentLsbA: scale.currentLsbA });
  });

  it("gives what the registers of that example mean (section 7.2.2)", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.0162, maxA: 10 });
    Object.assign(chip, { shunt: 19_440, bus: 15_360, power: 4_718_604, ready: true });
    expect(chip).toMatchObject({ calibration: 4050, current: 19_660 });
    expect(readOne(sensor)).toMatchObject({
      volts: 48,
      watts: expect.closeTo(288, 2) as number,
      amps: expect.closeTo(6, 3) as number,
      joules: Number.NaN,
    });
  });

  it("takes the narrow range where it holds the current", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.015, maxA: 2 });
    expect(chip.configuration).toBe(0x10);
    chip.convert({ volts: 5, amps: 1.25, shuntOhm: 0.015 });
    expect(readOne(sensor).watts).toBeCloseTo(6.25, 2);
  });

  it("names a wrong checksum of its memory", async () => {
    const { chip, sensor } = await open({});
    chip.memoryGood = false;
    expect(faultOf(sensor)).toBe("memory-checksum");
  });
});
