import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { driverOf } from "../../src/sensors/index.ts";
import type { Sensor } from "../../src/sensors/sensor.ts";
import { faultOf, readAll, readOne, SimulatedHost } from "./simulated-bus.ts";
import { SimulatedIna219 } from "./simulated-ina219.ts";
import { SimulatedIna226 } from "./simulated-ina226.ts";
import { SimulatedIna228 } from "./simulated-ina228.ts";
import { SimulatedIna3221 } from "./simulated-ina3221.ts";
import { SimulatedMemory, type SimulatedMonitor } from "./simulated-monitor.ts";

interface Case {
  readonly id: "ina219" | "ina226" | "ina228" | "ina238" | "ina260" | "ina3221";
  readonly create: () => SimulatedMonitor;
  /** Of the shunt; the INA260 has its own. */
  readonly fullScaleV: number;
  readonly shuntOhm: number;
  /** One step of the shunt ADC at the full scale above, V, and of the bus. */
  readonly shuntLsbV: number;
  readonly busLsbV: number;
  /** One step of the current register, A, that the largest current asks for; 0 where power is no register of the chip. */
  readonly currentLsbA: (maxA: number) => number;
  /** How many of them times 1 V are a step of power. */
  readonly powerSteps: number;
  /** Of the default configuration, µs. */
  readonly periodUs: number;
}

const CASES: readonly Case[] = [
  {
    id: "ina219",
    create: () => new SimulatedIna219(),
    fullScaleV: 0.32,
    shuntOhm: 0.1,
    shuntLsbV: 10e-6,
    busLsbV: 4e-3,
    currentLsbA: (maxA) => maxA / 32_768,
    powerSteps: 20,
    periodUs: 1064,
  },
  {
    id: "ina226",
    create: () => new SimulatedIna226(),
    fullScaleV: 0.08192,
    shuntOhm: 0.02,
    shuntLsbV: 2.5e-6,
    busLsbV: 1.25e-3,
    currentLsbA: (maxA) => maxA / 32_768,
    powerSteps: 25,
    periodUs: 1176,
  },
  {
    id: "ina228",
    create: () => new SimulatedIna228("ina228"),
    fullScaleV: 0.16384,
    shuntOhm: 0.015,
    shuntLsbV: 312.5e-9,
    busLsbV: 195.3125e-6,
    currentLsbA: (maxA) => maxA / 2 ** 19,
    powerSteps: 3.2,
    periodUs: 17_280,
  },
  {
    id: "ina238",
    create: () => new SimulatedIna228("ina238"),
    fullScaleV: 0.16384,
    shuntOhm: 0.015,
    shuntLsbV: 5e-6,
    busLsbV: 3.125e-3,
    currentLsbA: (maxA) => maxA / 2 ** 15,
    powerSteps: 0.2,
    periodUs: 1080,
  },
  {
    id: "ina260",
    create: () => new SimulatedIna226("ina260"),
    fullScaleV: 0.08192,
    shuntOhm: 0.002,
    shuntLsbV: 2.5e-6,
    busLsbV: 1.25e-3,
    currentLsbA: () => 0,
    powerSteps: 0,
    periodUs: 1176,
  },
  {
    id: "ina3221",
    create: () => new SimulatedIna3221(),
    fullScaleV: 0.16384,
    shuntOhm: 0.1,
    shuntLsbV: 40e-6,
    busLsbV: 8e-3,
    currentLsbA: () => 0,
    powerSteps: 0,
    periodUs: 3528,
  },
];

const ADDRESS = 0x41;

function settingsOf({ id }: Case, shunt: { shuntOhm: number; maxA: number } | undefined): Record<string, unknown> {
  if (shunt === undefined || id === "ina260") return { address: ADDRESS };
  if (id !== "ina3221") return { address: ADDRESS, ...shunt };
  return { address: ADDRESS, channels: [{ input: 1, ...shunt }] };
}

async function open(one: Case, shunt?: { shuntOhm: number; maxA: number }) {
  const host = new SimulatedHost();
  const chip = one.create();
  host.bus.chips.set(ADDRESS, chip);
  const driver = driverOf(one.id);
  const sensor = await driver.open(driver.config.parse(settingsOf(one, shunt)), host);
  return { host, chip, sensor };
}

function convert(chip: SimulatedMonitor, one: Case, volts: number, amps: number, shuntOhm = one.shuntOhm): void {
  chip.convert({ volts, amps, shuntOhm });
}

describe.each(CASES)("$id", (one) => {
  it("gives watts, volts and amps of what flows, with the settings that repeat it", async () => {
    const { chip, sensor } = await open(one);
    convert(chip, one, 5.1, 0.75);
    for (const { watts, volts, amps } of readAll(sensor)) {
      expect(volts).toBeCloseTo(5.1, 1);
      expect(amps).toBeCloseTo(0.75, 2);
      expect(Math.abs(watts - 5.1 * 0.75)).toBeLessThan(0.01 * 5.1 * 0.75);
    }
    for (const { settings, averagingUs, limits } of sensor.channels) {
      expect(settings).toMatchObject({
        bus: 1,
        address: ADDRESS,
        shuntOhm: one.shuntOhm,
        averaging: expect.any(Number),
      });
      expect(Object.values(settings)).not.toContain(undefined);
      expect(averagingUs).toBeLessThanOrEqual(one.periodUs);
      for (const limit of Object.values(limits?.gain ?? { none: 0 })) expect(limit).toBeGreaterThan(0);
      expect(limits?.offsetA).toBeGreaterThan(0);
    }
    expect(sensor.rateHz).toBeCloseTo(1e6 / one.periodUs, 6);
  });

  it("measures volts times amps to the resolution of its registers, for any shunt and current", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.double({ min: 0.002, max: 1, noNaN: true }),
        fc.double({ min: 0.02, max: 1, noNaN: true }),
        fc.double({ min: 0.02, max: 0.97, noNaN: true }),
        fc.double({ min: 3, max: 15, noNaN: true }),
        async (anyOhm, ofScale, ofMax, volts) => {
          const shuntOhm = one.id === "ina260" ? one.shuntOhm : anyOhm;
          const maxA = Math.min(100, (ofScale * Math.min(one.fullScaleV, 0.1638)) / shuntOhm);
          const amps = one.id === "ina260" ? ofMax * 15 : maxA * ofMax;
          const { chip, sensor } = await open(one, { shuntOhm, maxA });
          convert(chip, one, volts, amps, shuntOhm);
          const { watts } = readOne(sensor);
          // Calibration registers end at a 16th of a step of the shunt ADC.
          const asked = one.currentLsbA(maxA);
          const currentLsbA = asked === 0 ? 0 : 1.02 * Math.max(asked, one.shuntLsbV / shuntOhm / 16);
          // Half a step of each ADC; a whole one of current and of power, whose fractions are cut off.
          const ofAmps = volts * ((0.5 * one.shuntLsbV) / shuntOhm + currentLsbA);
          const stepsW = ofAmps + 0.5 * one.busLsbV * (amps + one.shuntLsbV / shuntOhm) + one.powerSteps * currentLsbA;
          expect(Math.abs(watts - volts * amps)).toBeLessThanOrEqual(stepsW + 1e-9);
        },
      ),
      { numRuns: 200 },
    );
  });

  it("has nothing before a conversion has ended, and each once", async () => {
    const { host, chip, sensor } = await open(one);
    const readings = sensor.channels.map(() => ({ tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 }));
    const { reads } = host.bus;
    expect(sensor.read(readings)).toBe(false);
    expect(host.bus.reads - reads).toBe(1);
    convert(chip, one, 5, 0.5);
    expect(sensor.read(readings)).toBe(true);
    expect(sensor.read(readings)).toBe(false);
  });

  it("does not offer what was converted before it was set up", async () => {
    const host = new SimulatedHost();
    const chip = one.create();
    convert(chip, one, 5, 0.5);
    host.bus.chips.set(ADDRESS, chip);
    const driver = driverOf(one.id);
    const sensor = await driver.open(driver.config.parse({ address: ADDRESS }), host);
    expect(sensor.read(sensor.channels.map(() => ({ tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 })))).toBe(false);
  });

  it("is stamped with the middle of its conversion", async () => {
    const { host, chip, sensor } = await open(one);
    convert(chip, one, 5, 0.5);
    host.nowUs = 7_000_000;
    const middles = readAll(sensor).map(({ tUs }) => 7_000_000 - tUs);
    const mean = middles.reduce((sum, us) => sum + us, 0) / middles.length;
    expect(mean).toBeCloseTo(one.periodUs / 2, 6);
  });

  it("names a current beyond its range instead of giving a wrong figure, and reads on", async () => {
    const { chip, sensor } = await open(one);
    const clippedA = (1.1 * one.fullScaleV) / one.shuntOhm;
    convert(chip, one, 5, clippedA);
    expect(faultOf(sensor)).toBe("overflow");
    convert(chip, one, 5, 0.5);
    expect(readOne(sensor).amps).toBeCloseTo(0.5, 2);
  });

  it("names a current between maxA and the shunt's full scale where its arithmetic ends at maxA", async () => {
    if (one.powerSteps === 0) return;
    const fullScaleA = one.fullScaleV / one.shuntOhm;
    const { chip, sensor } = await open(one, { shuntOhm: one.shuntOhm, maxA: 0.3 * fullScaleA });
    convert(chip, one, 5, 0.6 * fullScaleA);
    expect(faultOf(sensor)).toBe("overflow");
  });

  it("names a clipped shunt voltage where its arithmetic does not end before", async () => {
    const fullScaleV = Math.min(one.fullScaleV, one.id === "ina3221" ? 0.1638 : Infinity);
    const { chip, sensor } = await open(one, { shuntOhm: one.shuntOhm, maxA: fullScaleV / one.shuntOhm });
    convert(chip, one, 5, (1.1 * one.fullScaleV) / one.shuntOhm);
    expect(faultOf(sensor)).toBe("overflow");
  });

  it("names a reset, sets the chip up again, and reads on", async () => {
    const { chip, sensor } = await open(one);
    convert(chip, one, 5, 0.5);
    readAll(sensor);
    chip.reset();
    convert(chip, one, 5, 0.5);
    expect(faultOf(sensor)).toBe("calibration-lost");
    convert(chip, one, 5, 0.5);
    expect(readOne(sensor).watts).toBeCloseTo(2.5, 1);
  });

  it("lets faults of the bus through and reads on when it works again", async () => {
    const { host, chip, sensor } = await open(one);
    for (const code of ["no-answer", "bus-error"]) {
      host.bus.faults.set(ADDRESS, code);
      expect(faultOf(sensor)).toBe(code);
    }
    host.bus.faults.clear();
    convert(chip, one, 5, 0.5);
    expect(readOne(sensor).amps).toBeCloseTo(0.5, 2);
  });

  it("does not open without a chip, and leaves the bus closed", async () => {
    const host = new SimulatedHost();
    const driver = driverOf(one.id);
    await expect(driver.open(driver.config.parse({ address: ADDRESS }), host)).rejects.toMatchObject({
      code: "no-answer",
    });
    expect(host.bus.disposals).toBe(1);
    expect(host.bus.writes).toEqual([]);
  });

  it.each(CASES.filter(({ id }) => id !== one.id))("refuses an $id without writing to it", async (other) => {
    if (other.id === "ina219") return;
    const host = new SimulatedHost();
    host.bus.chips.set(ADDRESS, other.create());
    const driver = driverOf(one.id);
    await expect(driver.open(driver.config.parse({ address: ADDRESS }), host)).rejects.toMatchObject({
      code: "wrong-chip",
      message: expect.stringMatching(new RegExp(`it is ${other.id}`, "i")) as string,
    });
    expect(host.bus.writes).toEqual([]);
    expect(host.bus.disposals).toBe(1);
  });

  it("refuses a chip that says nothing about itself", async () => {
    const host = new SimulatedHost();
    host.bus.chips.set(ADDRESS, new SimulatedMemory());
    const driver = driverOf(one.id);
    await expect(driver.open(driver.config.parse({ address: ADDRESS }), host)).rejects.toMatchObject({
      code: "wrong-chip",
    });
  });

  it("refuses a current that its shunt voltage cannot hold, and says what can be set", async () => {
    if (one.id === "ina260") return;
    const driver = driverOf(one.id);
    const settings = driver.config.parse(settingsOf(one, { shuntOhm: 0.1, maxA: 5 }));
    await expect(driver.open(settings, new SimulatedHost())).rejects.toMatchObject({
      code: "shunt-range",
      message: expect.stringMatching(/set maxA to [\d.]+ or less/),
    });
  });

  it("closes its bus", async () => {
    const { host, sensor } = await open(one);
    (sensor satisfies Sensor)[Symbol.dispose]();
    expect(host.bus.disposals).toBe(1);
  });
});
