import { describe, expect, it } from "vitest";
import { ina260 } from "../../../src/sensors/ina260/ina260.ts";
import { configurationWord } from "../../../src/sensors/ina260/registers.ts";
import { faultOf, readOne, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna226 } from "../simulated-ina226.ts";

async function open(settings: object = {}) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna226("ina260");
  host.bus.chips.set(0x40, chip);
  return { host, chip, sensor: await ina260.open(ina260.config.parse(settings), host) };
}

describe("INA260", () => {
  it("has the configuration of section 8.6.1", () => {
    // The reset value: one sample of 1.1 ms each.
    expect(configurationWord({ averaging: 1, busConversionUs: 1100, shuntConversionUs: 1100 })).toBe(0x6127);
    expect(configurationWord({ averaging: 4, busConversionUs: 140, shuntConversionUs: 8244 })).toBe(0x623f);
  });

  it("multiplies current and voltage itself, finer than the chip's steps of 10 mW, with their sign", async () => {
    const { chip, sensor } = await open();
    chip.convert({ volts: 5, amps: 0.40125, shuntOhm: 0.002 });
    expect(chip).toMatchObject({ shunt: 321, bus: 4000, power: 200 });
    expect(readOne(sensor).watts).toBeCloseTo(2.00625, 9);
    chip.convert({ volts: 5, amps: -0.25, shuntOhm: 0.002 });
    expect(readOne(sensor)).toMatchObject({ amps: -0.25, watts: -1.25 });
  });

  it("reads on after a reset that left its configuration as it is", async () => {
    const { chip, sensor } = await open({ shuntConversionUs: 1100, busConversionUs: 1100 });
    chip.reset();
    chip.convert({ volts: 5, amps: 1, shuntOhm: 0.002 });
    expect(readOne(sensor).watts).toBeCloseTo(5, 9);
  });

  it("names a result that the chip calls invalid", async () => {
    const { chip, sensor } = await open();
    chip.read = (register) => (register === 6 ? 0b1101 : 0x100);
    expect(faultOf(sensor)).toBe("overflow");
  });
});
