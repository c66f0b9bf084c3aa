import { spawnSync } from "node:child_process";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { createSimulatedBus, requireSystem, tempDir, type SupplyLoad } from "@edgewatt/testing";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { compileC, simulatorSources } from "../../src/i2c/compile.ts";

const gcc = requireSystem("gcc");
const ADDRESS = 0x40;
const SINE = { kind: "sine", meanA: 0.6, amplitudeA: 0.4, periodS: 0.02, phaseRad: 1 } as const;
const LOADS: Readonly<Record<string, SupplyLoad["amps"]>> = {
  constant: 0.8,
  square: { kind: "square", lowA: 0.2, highA: 1.1, periodS: 0.007, duty: 0.7 },
  sine: SINE,
  ramp: { kind: "ramp", lowA: -0.1, highA: 0.9, periodS: 0.05 },
  exponential: { kind: "exponential", firstA: 0.2, lastA: 1.4, tauS: 0.3, beginUs: 5_000_000 },
  sum: [SINE, { kind: "square", lowA: 0, highA: 0.3, periodS: 0.011 }, { kind: "constant", amps: 0.05 }],
};

describe.skipIf(gcc.skip)(`the waveforms ${gcc.reason}`, () => {
  let dir: Awaited<ReturnType<typeof tempDir>>;
  let program: string;
  beforeAll(async () => {
    dir = await tempDir();
    program = path.join(dir.path, "waveform-means");
    const sources = await simulatorSources();
    const parts = sources.filter((file) => path.basename(file) !== "shim.c");
    const main = fileURLToPath(new URL("waveform-means.c", import.meta.url));
    await compileC(program, [...parts, main], "program");
  });
  afterAll(() => dir?.[Symbol.asyncDispose]());

  /** Mean current, A, and voltage, V, of the stretches (s) as the simulated chips see them. */
  function means(control: string, stretches: readonly (readonly [number, number])[]): number[][] {
    const input = stretches.map(([a, b]) => `${a} ${b}\n`).join("");
    const { stdout } = spawnSync(program, { env: { EDGEWATT_SIM_BUS: control }, input, encoding: "utf8" });
    const lines = stdout.trim().split("\n");
    return lines.map((line) => line.split(" ").map(Number));
  }

  /** From a conversion to seconds, around the time at which the exponential begins. */
  const stretches = fc.sample(
    fc
      .tuple(fc.double({ min: 1, max: 9, noNaN: true }), fc.double({ min: 50e-6, max: 2, noNaN: true }))
      .map(([from, length]) => [from, from + length] as const),
    { numRuns: 200, seed: 1 },
  );

  it.each(Object.keys(LOADS))("%s has the closed form's mean in C", async (name) => {
    const amps = LOADS[name] ?? 0;
    const options = { chips: [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps }] }] } as const;
    const bus = await createSimulatedBus(path.join(dir.path, name), options);
    const measured = means(bus.env.EDGEWATT_SIM_BUS, stretches);
    for (const [i, [from, to]] of stretches.entries()) {
      const watts = bus.energyBetween(ADDRESS, from * 1e6, to * 1e6) / (to - from);
      const [meanA = Number.NaN, volts = Number.NaN] = measured[i] ?? [];
      expect(meanA * volts).toBeCloseTo(watts, 8);
    }
  });

  it("changes from one load to the next at the moment that is told", async () => {
    const options = { chips: [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps: 1 }] }] } as const;
    const bus = await createSimulatedBus(path.join(dir.path, "steps"), options);
    const changed = (await bus.setLoad(ADDRESS, { volts: 4, amps: 0.5 })) / 1e6;
    expect(means(bus.env.EDGEWATT_SIM_BUS, [[changed - 3, changed + 1]])).toEqual([
      [expect.closeTo(0.875, 9), expect.closeTo(4.75, 9)],
    ]);
    expect(bus.energyBetween(ADDRESS, (changed - 3) * 1e6, (changed + 1) * 1e6)).toBeCloseTo(17, 6);
  });

  it("agrees with an integral by hand", async () => {
    // A quarter of a sine from its zero on: 2 A / omega * (1 - cos(pi / 2)), of period 4 s: 4 / pi A s at 5 V.
    const amps = { kind: "sine", meanA: 0, amplitudeA: 2, periodS: 4 } as const;
    const options = { chips: [{ type: "ina219", address: ADDRESS, channels: [{ volts: 5, amps }] }] } as const;
    const bus = await createSimulatedBus(path.join(dir.path, "quarter"), options);
    expect(bus.energyBetween(ADDRESS, 0, 1e6)).toBeCloseTo(20 / Math.PI, 12);
  });
});
