import { requireSystem, type SimulatedChip } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { StartedBus } from "./start-bus.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;

function start(type: SimulatedChip["type"], more: Partial<SimulatedChip> = {}): Promise<StartedBus> {
  const channels = type === "ina3221" ? [0, 1, 2].map(() => ({ volts: 5, amps: 1 })) : [{ volts: 5, amps: 1 }];
  return StartedBus.start({ chips: [{ type, address: AT, channels, ...more }] });
}

describe.skipIf(gcc.skip)(`flags are set and cleared as the datasheets say ${gcc.reason}`, () => {
  it("INA219: CNVR by the end of a cycle, cleared by reading the power or writing the configuration", async () => {
    await using started = await start("ina219");
    const { raw } = started;
    // 128 samples of each: 136 ms.
    await raw.run(["setWord", AT, 0, 0x1fff]);
    const [early = 0, stillEarly = 0] = await raw.run(["word", AT, 2], ["word", AT, 2]);
    expect([early & 2, stillEarly & 2]).toEqual([0, 0]);
    await raw.run(["until", AT, 2, 2]);
    const [first = 0, again = 0, , after = 0] = await raw.run(
      ["word", AT, 2],
      ["word", AT, 2],
      ["word", AT, 3],
      ["word", AT, 2],
    );
    expect([first & 2, again & 2, after & 2]).toEqual([2, 2, 0]);
    await raw.run(["until", AT, 2, 2]);
    const [, restarted = 0] = await raw.run(["setWord", AT, 0, 0x1fff], ["word", AT, 2]);
    expect(restarted & 2).toBe(0);
  });

  it.each([
    ["ina226", 6, 8, 0x47ff],
    ["ina260", 6, 8, 0x67ff],
    ["ina3221", 0x0f, 1, 0x77ff],
  ] as const)("%s: CVRF, cleared by reading its register", async (type, register, mask, configuration) => {
    await using started = await start(type);
    const { raw } = started;
    await raw.run(["setWord", AT, 0, configuration]);
    const [early = 0] = await raw.run(["word", AT, register]);
    expect(early & mask).toBe(0);
    const [, after = 0] = await raw.run(["until", AT, register, mask], ["word", AT, register]);
    expect(after & mask).toBe(0);
  });

  it("INA228: CNVRF is cleared by reading where it is latched, and MEMSTAT tells a good memory", async () => {
    await using started = await start("ina228");
    const { raw } = started;
    // Latched; 4.12 ms of each, 64 times: 791 ms.
    await raw.run(["setWord", AT, 11, 0x8000], ["setWord", AT, 1, 0xfffb]);
    expect(await raw.run(["word", AT, 11])).toEqual([0x8001]);
    const [, after] = await raw.run(["until", AT, 11, 2], ["word", AT, 11]);
    expect(after).toBe(0x8001);
    await raw.run(["setWord", AT, 11, 0], ["setWord", AT, 1, 0xfffb], ["until", AT, 11, 2]);
    expect(await raw.run(["word", AT, 11])).toEqual([0x0003]);
  });

  it("a triggered conversion is one, and power-down none", async () => {
    await using started = await start("ina226");
    const { raw } = started;
    await raw.run(["setWord", AT, 0, 0x4003], ["until", AT, 6, 8], ["sleep", 10]);
    const [flags = 0] = await raw.run(["word", AT, 6]);
    expect(flags & 8).toBe(0);
    await raw.run(["setWord", AT, 0, 0x4000], ["sleep", 10]);
    expect(await raw.run(["word", AT, 6])).toEqual([0]);
  });

  it("INA219 and INA228 say that arithmetic went out of range", async () => {
    await using small = await start("ina219");
    // 10,000 steps of the shunt times 0xFFFE / 4096 are more than 15 bits.
    await small.raw.run(["setWord", AT, 5, 0xfffe], ["sleep", 5]);
    const [voltage = 0] = await small.raw.run(["word", AT, 2]);
    expect(voltage & 1).toBe(1);
    await using big = await start("ina228");
    await big.raw.run(["setWord", AT, 2, 100], ["sleep", 10]);
    const [diagnostics = 0] = await big.raw.run(["word", AT, 11]);
    expect(diagnostics & 0x0200).toBe(0x0200);
    expect(await big.raw.run(["wide", AT, 7, 3])).toEqual([524_287 * 16]);
  });

  it("INA228: 40 bits of energy wrap, say so once, and RSTACC empties them", async () => {
    const channels = [{ shuntOhm: 0.0162, volts: 48, amps: 6 }];
    await using started = await start("ina228", { channels, presetEnergy: 2 ** 40 - 1000 });
    const { raw } = started;
    // 288 W are 294,912 steps a second, so the wrap is 3.4 ms away.
    await raw.run(["setWord", AT, 2, 4050], ["sleep", 20]);
    const [wrapped = 0, energy = 0, after = 0] = await raw.run(["word", AT, 11], ["wide", AT, 9, 5], ["word", AT, 11]);
    expect(wrapped & 0x0800).toBe(0x0800);
    expect(after & 0x0800).toBe(0);
    expect(energy).toBeGreaterThan(0);
    expect(energy).toBeLessThan(2 ** 39);
    const [, emptied] = await raw
      .run(["setWord", AT, 1, 0xffff], ["setWord", AT, 0, 0x4000], ["wide", AT, 9, 5])
      .then(([, , total]) => [0, total]);
    expect(emptied).toBe(0);
  });

  it("INA228: energy and charge grow by every conversion, in step, whatever the averaging", async () => {
    const channels = [{ shuntOhm: 0.0162, volts: 48, amps: -6 }];
    await using started = await start("ina228", { channels });
    const { raw } = started;
    await raw.run(["setWord", AT, 2, 4050], ["setWord", AT, 1, 0xfb6a], ["setWord", AT, 0, 0x4000], ["sleep", 500]);
    const [energy = 0, charge = 0, again = 0] = await raw.run(
      ["wide", AT, 9, 5],
      ["wide", AT, 10, 5],
      ["wide", AT, 9, 5],
    );
    // 3 x 1.052 ms at a time, though only every sixteenth conversion gives a result. Power has no sign, charge has.
    const conversions = energy / (294_912 * 3 * 1.052e-3);
    expect(conversions).toBeGreaterThan(150);
    expect(Math.abs(conversions - Math.round(conversions))).toBeLessThan(0.005);
    const flow = 2 ** 40 - charge;
    const perStep = 314_572.8 / 294_912;
    expect(flow).toBeGreaterThan(energy * perStep - 3);
    expect(flow).toBeLessThan(again * perStep + 3);
  });
});
