import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ina228 } from "../../../src/sensors/ina228/ina228.ts";
import { scaleFor } from "../../../src/sensors/ina228/registers.ts";
import { adcConfigurationWord } from "../../../src/sensors/ina2xx/ina228-generation.ts";
import { faultOf, readOne, SimulatedHost } from "../simulated-bus.ts";
import { SimulatedIna228 } from "../simulated-ina228.ts";

const SHUNT_OHM = 0.015;
const PERIOD_S = 0.01728;

async function open(settings: object = {}) {
  const host = new SimulatedHost();
  const chip = new SimulatedIna228();
  host.bus.chips.set(0x40, chip);
  const sensor = await ina228.open(ina228.config.parse(settings), host);
  /** A reading after so many results of 5 V at so many amperes, each polled as it ends. */
  const after = (results: number, amps: number) => {
    let reading = { tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 };
    for (let i = 0; i < results; i++) {
      host.nowUs += PERIOD_S * 1e6;
      chip.convert({ volts: 5, amps, shuntOhm: SHUNT_OHM });
      reading = readOne(sensor);
    }
    return reading;
  };
  return { host, chip, sensor, after };
}

describe("INA228", () => {
  it("has the ADC configuration of table 7-6, without temperature", () => {
    expect(adcConfigurationWord({ averaging: 1, busConversionUs: 1052, shuntConversionUs: 1052 })).toBe(0xbb40);
    expect(adcConfigurationWord({ averaging: 1024, busConversionUs: 50, shuntConversionUs: 4120 })).toBe(0xb1c7);
  });

  it("scales as in the datasheet's example of 10 A through 16.2 mOhm, and with the narrow range", () => {
    const scale = scaleFor(0.0162, 10, 0.16384);
    expect(scale.calibration).toBe(4050);
    expect(scale.currentLsbA).toBeCloseTo(19.073486e-6, 12);
    expect(scale.powerLsbW).toBeCloseTo(61.035156e-6, 12);
    expect(scale.energyLsbJ).toBeCloseTo(976.5625e-6, 11);
    expect(scaleFor(0.004, 10, 0.04096)).toMatchObject({ calibration: 4000, currentLsbA: scale.currentLsbA });
  });

  it("gives what the registers of that example mean (section 8.2.2.5)", async () => {
    const { chip, sensor } = await open({ shuntOhm: 0.0162, maxA: 10 });
    expect(chip).toMatchObject({ calibration: 4050, configuration: 0 });
    Object.assign(chip, { shunt: 311_040, bus: 245_760, power: 4_718_604, energy: 1_061_683_200, ready: true });
    expect(chip.current).toBe(314_572);
    const { watts, volts, amps, joules } = readOne(sensor);
    expect(volts).toBeCloseTo(48, 9);
    expect(amps).toBeCloseTo(6, 4);
    expect(watts).toBeCloseTo(288, 2);
    expect(joules).toBeCloseTo(1_036_800 - (288 * PERIOD_S) / 2, 2);
  });

  it("takes the narrow range where it holds the current", async () => {
    const { chip, sensor } = await open({ shuntOhm: SHUNT_OHM, maxA: 2 });
    expect(chip.configuration).toBe(0x10);
    chip.convert({ volts: 5, amps: 1.25, shuntOhm: SHUNT_OHM });
    expect(readOne(sensor)).toMatchObject({
      watts: expect.closeTo(6.25, 3) as number,
      amps: expect.closeTo(1.25, 4) as number,
    });
  });

  it("counts the energy of a changing load, at the time of its readings", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 0, max: 5, noNaN: true }), { minLength: 2, maxLength: 50 }),
        async (loads) => {
          const { after, sensor } = await open();
          const lsbJ = Number(sensor.channels[0]?.settings["energyLsbJ"]);
          const readings = loads.map((amps) => after(1, amps));
          let joules = readings[0]?.joules ?? Number.NaN;
          for (const [i, reading] of readings.entries()) {
            if (i > 0) joules += (((readings[i - 1]?.watts ?? 0) + reading.watts) / 2) * PERIOD_S;
            expect(Math.abs(reading.joules - joules)).toBeLessThan(2 * lsbJ + 1e-9);
          }
        },
      ),
      { numRuns: 50 },
    );
  });

  it("has a total that only goes up, whatever happens to the chip", async () => {
    type Event = "flow" | "reset" | "wrap" | "clear" | "overflow" | "silence";
    const events: Event[] = ["flow", "reset", "wrap", "clear", "overflow", "silence"];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.constantFrom(...events), { maxLength: 60 }), async (happened) => {
        const { host, chip, sensor } = await open();
        const lsbJ = Number(sensor.channels[0]?.settings["energyLsbJ"]);
        let last = 0;
        let mayBe = 0;
        for (const event of happened) {
          if (event === "reset") chip.reset();
          if (event === "clear") chip.energy = 0;
          if (event === "silence") host.bus.faults.set(0x40, "bus-error");
          else host.bus.faults.clear();
          if (event === "wrap") {
            const counts = 2 ** 39 + 1;
            chip.accumulate(counts);
            mayBe += counts * lsbJ;
          }
          chip.convert({ volts: 5, amps: event === "overflow" ? 12 : 1, shuntOhm: SHUNT_OHM });
          mayBe += 5 * 12 * 0.04;
          try {
            const { joules } = readOne(sensor);
            expect(joules).toBeGreaterThanOrEqual(last);
            expect(joules).toBeLessThanOrEqual(mayBe);
            last = joules;
          } catch (error) {
            expect(error).toMatchObject({
              code: expect.stringMatching(/^(calibration-lost|energy-lost|overflow|bus-error)$/) as string,
            });
          }
        }
      }),
    );
  });

  it("goes on counting across the end of its 40 bits", async () => {
    const { chip, after, sensor } = await open();
    const lsbJ = Number(sensor.channels[0]?.settings["energyLsbJ"]);
    chip.accumulate(2 ** 40 - 20);
    const before = after(1, 1).joules;
    const past = after(50, 1).joules;
    expect(chip.energy).toBeLessThan(2 ** 20);
    expect(past - before).toBeGreaterThan(50 * 5 * PERIOD_S - 2 * lsbJ);
    expect(past - before).toBeLessThan(50 * 5 * PERIOD_S + 2 * lsbJ);
  });

  it("adds nothing for a reset between its flags and its energy", async () => {
    const { chip, after, sensor } = await open();
    const before = after(20, 2).joules;
    const read = chip.read.bind(chip);
    chip.read = (register) => {
      if (register === 0x09) chip.reset();
      return read(register);
    };
    chip.convert({ volts: 5, amps: 2, shuntOhm: SHUNT_OHM });
    expect(faultOf(sensor)).toBe("calibration-lost");
    chip.read = read;
    const { joules } = after(1, 2);
    expect(joules - before).toBeGreaterThanOrEqual(0);
    expect(joules - before).toBeLessThan(2 * 10 * PERIOD_S);
  });

  it("names a counter that somebody cleared", async () => {
    const { chip, after, sensor } = await open();
    after(20, 2);
    chip.write(0x00, 0x4000);
    chip.convert({ volts: 5, amps: 2, shuntOhm: SHUNT_OHM });
    expect(faultOf(sensor)).toBe("energy-lost");
    expect(after(1, 2).watts).toBeCloseTo(10, 2);
  });

  it("clears the accumulators after an overflow of its arithmetic, which ends it", async () => {
    const { chip, after, sensor } = await open({ maxA: 2.8 });
    after(3, 1);
    chip.convert({ volts: 5, amps: 4, shuntOhm: SHUNT_OHM });
    expect(chip.mathOverflow).toBe(true);
    expect(faultOf(sensor)).toBe("overflow");
    expect(chip).toMatchObject({ mathOverflow: false, energy: 0 });
    expect(after(1, 1).watts).toBeCloseTo(5, 2);
  });

  it("names a wrong checksum of its memory", async () => {
    const { chip, sensor } = await open();
    chip.memoryGood = false;
    chip.convert({ volts: 5, amps: 1, shuntOhm: SHUNT_OHM });
    expect(faultOf(sensor)).toBe("memory-checksum");
  });

  it("gives the sign of the current to power, but not to energy, which has none", async () => {
    const { after } = await open();
    const { watts, amps, joules } = after(4, -1);
    expect(amps).toBeCloseTo(-1, 4);
    expect(watts).toBeCloseTo(-5, 3);
    expect(joules).toBeGreaterThan(0);
  });
});
