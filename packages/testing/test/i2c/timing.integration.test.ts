import path from "node:path";
import { createSimulatedBus, requireSystem, tempDir, type SimulatedChipType } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import { RawBus, type Step } from "./raw-bus.ts";

const gcc = requireSystem("gcc");
const AT = 0x40;
const SHUNT_OHM = 0.001;
/** A current that rises so fast tells the time at which it was measured. */
const A_PER_S = 4;
const RISE_S = 1e7;

interface Case {
  readonly type: SimulatedChipType;
  readonly setUp: Step;
  readonly read: Step;
  /** The chip's resolution of the shunt voltage, and by how much its result is shifted to the left. */
  readonly stepV: number;
  readonly shift?: number;
  readonly cycleS: number;
}

const CASES: readonly Case[] = [
  // Table 5: 128 samples of 532 us for shunt and for bus; range 320 mV.
  { type: "ina219", setUp: ["setWord", AT, 0, 0x1fff], read: ["word", AT, 1], stepV: 10e-6, cycleS: 0.136192 },
  // Tables 7 and 8: 8.244 ms each, four times.
  { type: "ina226", setUp: ["setWord", AT, 0, 0x43ff], read: ["word", AT, 1], stepV: 2.5e-6, cycleS: 0.065952 },
  // 8.244 ms each in three channels, four times.
  {
    type: "ina3221",
    setUp: ["setWord", AT, 0, 0x73ff],
    read: ["word", AT, 1],
    stepV: 40e-6,
    shift: 3,
    cycleS: 0.197856,
  },
  // Table 7-6: 4.12 ms each for bus, shunt and temperature, four times.
  {
    type: "ina228",
    setUp: ["setWord", AT, 1, 0xfff9],
    read: ["wide", AT, 4, 3],
    stepV: 312.5e-9,
    shift: 4,
    cycleS: 0.04944,
  },
  // The same for bus and shunt alone, sixteen times.
  { type: "ina238", setUp: ["setWord", AT, 1, 0xbffa], read: ["word", AT, 4], stepV: 5e-6, cycleS: 0.13184 },
];

describe.skipIf(gcc.skip)(`simulated chips convert in the time that they are set to ${gcc.reason}`, () => {
  it.each(CASES)(
    "$type: results are whole cycles of $cycleS s apart",
    async ({ type, setUp, read, stepV, shift = 0, cycleS }) => {
      await using dir = await tempDir();
      const startA = (-A_PER_S * Number(process.hrtime.bigint())) / 1e9;
      const amps = { kind: "ramp", lowA: startA, highA: startA + A_PER_S * RISE_S, periodS: RISE_S } as const;
      const chips = [{ type, address: AT, channels: [{ shuntOhm: SHUNT_OHM, volts: 5, amps }] }];
      const bus = await createSimulatedBus(path.join(dir.path, "bus"), { chips });
      await using raw = new RawBus(bus);
      await raw.run(setUp, ["sleep", cycleS * 1100]);
      const [series = []] = await raw.run<number[][]>(["times", 15, [read, ["sleep", cycleS * 300]]]);
      const times = series.map(([code = Number.NaN]) => ((code >> shift) * stepV) / SHUNT_OHM / A_PER_S);
      const cycles = times.slice(1).map((time, i) => (time - (times[i] ?? Number.NaN)) / cycleS);
      const tolerance = stepV / SHUNT_OHM / A_PER_S / cycleS + 1e-3;
      expect(tolerance).toBeLessThan(0.1);
      for (const cycle of cycles) expect(Math.abs(cycle - Math.round(cycle))).toBeLessThan(tolerance);
      // Some reads saw no new result, and in all there were as many as the time holds.
      const total = cycles.reduce((sum, cycle) => sum + cycle, 0);
      expect(total).toBeGreaterThan(3);
      expect(cycles.some((cycle) => Math.round(cycle) === 0)).toBe(true);
    },
  );

  it("sleeps for as long as the bytes take on the wire", async () => {
    await using dir = await tempDir();
    const chips = [{ type: "ina228", address: AT, channels: [{ volts: 5, amps: 1 }] }] as const;
    const bus = await createSimulatedBus(path.join(dir.path, "bus"), { chips, hertz: 100_000 });
    await using raw = new RawBus(bus);
    // With start, repeated start, stop and acknowledges: 48, 57 and 75 bits for 2, 3 and 5 bytes, 29 for a plain read of 2.
    const reads: [Step, number][] = [
      [["word", AT, 0x3f], 48],
      [["wide", AT, 5, 3], 57],
      [["wide", AT, 9, 5], 75],
      [["plain", AT, 2], 29],
    ];
    for (const [step, bits] of reads) {
      const [before = 0, , after = 0] = await raw.run(["now"], ["times", 50, [step]], ["now"]);
      expect(after - before).toBeGreaterThanOrEqual(50 * bits * 10);
    }
  });
});
