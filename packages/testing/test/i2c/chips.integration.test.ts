import path from "node:path";
import { createSimulatedBus, requireSystem, tempDir, type SimulatedBus, type SimulatedChip } from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";
import { RawBus, type Step } from "./raw-bus.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;

const cleanups: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

async function start(chips: readonly SimulatedChip[], hertz?: number): Promise<{ bus: SimulatedBus; raw: RawBus }> {
  const dir = await tempDir();
  cleanups.push(() => dir[Symbol.asyncDispose]());
  const options = { chips, ...(hertz === undefined ? {} : { hertz }) };
  const bus = await createSimulatedBus(path.join(dir.path, "bus"), options);
  const raw = new RawBus(bus);
  cleanups.push(() => raw[Symbol.asyncDispose]());
  return { bus, raw };
}

function chip(
  type: SimulatedChip["type"],
  load: SimulatedChip["channels"][number],
  more: Partial<SimulatedChip> = {},
): SimulatedChip {
  return { type, address: AT, channels: [load], ...more };
}

const TEN_AMPS = { shuntOhm: 0.002, volts: 11.98, amps: 10 };

describe.skipIf(gcc.skip)(`simulated chips hold what their datasheets work out ${gcc.reason}`, () => {
  it("INA219, SBOS448G table 8: 10 A through 2 mΩ at 11.98 V", async () => {
    const { raw } = await start([chip("ina219", TEN_AMPS)]);
    expect(await raw.run(["word", AT, 0])).toEqual([0x399f]);
    await raw.run(["setWord", AT, 0, 0x019f], ["setWord", AT, 5, 0x5000], ["sleep", 5]);
    expect(await raw.run(["word", AT, 1], ["word", AT, 3], ["word", AT, 4])).toEqual([0x07d0, 0x1766, 0x2710]);
    const [voltage = 0] = await raw.run(["word", AT, 2]);
    expect(voltage & 0xfff8).toBe(0x5d98);
    expect(voltage & 1).toBe(0);
  });

  it("INA219: bit 0 of the calibration is 0, RST resets and clears itself, the range clips", async () => {
    const { raw } = await start([chip("ina219", { volts: 5, amps: 0.8 })]);
    // 80 mV in a range of 40 mV, then in one of 80 mV.
    await raw.run(["setWord", AT, 5, 0x1001], ["setWord", AT, 0, 0x019f], ["sleep", 5]);
    expect(await raw.run(["word", AT, 5], ["word", AT, 1])).toEqual([0x1000, 4000]);
    await raw.run(["setWord", AT, 0, 0x099f], ["sleep", 5]);
    expect(await raw.run(["word", AT, 1])).toEqual([8000]);
    await raw.run(["setWord", AT, 0, 0x8000]);
    expect(await raw.run(["word", AT, 0], ["word", AT, 5], ["word", AT, 4])).toEqual([0x399f, 0, 0]);
  });

  it("INA226, SBOS547A table 4: 10 A through 2 mΩ at 11.98 V, either way", async () => {
    const { bus, raw } = await start([chip("ina226", TEN_AMPS)]);
    expect(await raw.run(["word", AT, 0], ["word", AT, 0xfe], ["word", AT, 0xff])).toEqual([0x4127, 0x5449, 0x2260]);
    await raw.run(["setWord", AT, 5, 0x0a00], ["sleep", 10]);
    const results: Step[] = [1, 2, 3, 4].map((register) => ["word", AT, register]);
    expect(await raw.run(...results)).toEqual([0x1f40, 0x2570, 0x12b8, 0x2710]);
    await bus.setLoad(AT, { volts: 11.98, amps: -10 });
    await raw.run(["sleep", 40]);
    expect(await raw.run(...results)).toEqual([0xe0c0, 0x2570, 0x12b8, 0xd8f0]);
  });

  it("INA260, SBOS656C: 1.25 mA, 1.25 mV and 10 mW a step", async () => {
    const { raw } = await start([chip("ina260", { volts: 12, amps: 10 })]);
    await raw.run(["sleep", 10]);
    const results: Step[] = [0, 0xff, 1, 2, 3].map((register) => ["word", AT, register]);
    expect(await raw.run(...results)).toEqual([0x6127, 0x2270, 8000, 9600, 12_000]);
  });

  it("INA3221, SBOS576B: three channels shifted by 3, −80 mV is C180h, and the sum of those that are chosen", async () => {
    const channels = [
      { volts: 5, amps: 0.5 },
      { volts: 3.304, amps: -0.8 },
      { shuntOhm: 0.01, volts: 12, amps: 2 },
    ];
    const { raw } = await start([{ type: "ina3221", address: AT, channels }]);
    await raw.run(["setWord", AT, 0x0f, 0x7000], ["setWord", AT, 0, 0x7007], ["sleep", 10]);
    const results: Step[] = [0xff, 1, 2, 3, 4, 5, 6, 0x0d].map((register) => ["word", AT, register]);
    // 50 mV, -80 mV and 20 mV of 40 uV; 5, 3.304 and 12 V of 8 mV; the sum is -250 steps, shifted by 1.
    expect(await raw.run(...results)).toEqual([0x3220, 0x2710, 5000, 0xc180, 3304, 4000, 12_000, 0xfe0c]);
  });

  it("INA228, SBOSA20A section 8.2: 6 A through 16.2 mΩ at 48 V", async () => {
    const { raw } = await start([chip("ina228", { shuntOhm: 0.0162, volts: 48, amps: 6 }, { celsius: 25 })]);
    expect(await raw.run(["word", AT, 0], ["word", AT, 1], ["word", AT, 2], ["word", AT, 0x3f])).toEqual([
      0, 0xfb68, 0x1000, 0x2281,
    ]);
    await raw.run(["setWord", AT, 2, 4050], ["sleep", 10]);
    const wide: Step[] = [4, 5, 7, 8].map((register) => ["wide", AT, register, 3]);
    expect(await raw.run(...wide)).toEqual([0x4bf000, 0x3c0000, 0x4cccd0, 0x480000]);
    expect(await raw.run(["word", AT, 6])).toEqual([0x0c80]);
    // The other range has four times the resolution.
    await raw.run(["setWord", AT, 0, 0x0010], ["sleep", 10]);
    expect(await raw.run(["wide", AT, 4, 3])).toEqual([524_287 * 16]);
  });

  it("INA238: the same in 16 bits, without totals", async () => {
    const { raw } = await start([chip("ina238", { shuntOhm: 0.0162, volts: 48, amps: 6 }, { celsius: 25 })]);
    await raw.run(["setWord", AT, 2, 4050], ["sleep", 10]);
    const words: Step[] = [4, 5, 7, 6, 0x3f].map((register) => ["word", AT, register]);
    expect(await raw.run(...words)).toEqual([0x4bf0, 0x3c00, 0x4ccd, 0x0c80, 0x2381]);
    expect(await raw.run(["wide", AT, 8, 3], ["wide", AT, 9, 5])).toEqual([0x480000, 0x000000ffffff]);
  });
});
