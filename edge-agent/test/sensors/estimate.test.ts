import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { estimate } from "../../src/sensors/estimate/estimate.ts";
import type { Reading } from "../../src/sensors/sensor.ts";

const CORES = 2;
const IDLE_W = 2;
const FULL_W = 6;

/** A `/proc/stat` of two cores that have been busy for so many ticks together. */
function procStat(busyTicks: number): string {
  const cores = Array.from({ length: CORES }, (_, i) => `cpu${i} 0 0 0 0 0 0 0 0 0 0`);
  return [`cpu  ${busyTicks} 0 0 100000 0 0 0 0 0 0`, ...cores, ""].join("\n");
}

/** Readings of the estimate, 100 ms apart, after so many busy ticks each. */
async function readings(busyTicks: readonly number[]): Promise<Reading[]> {
  await using root = await tempDir();
  const stat = path.join(root.path, "proc", "stat");
  await mkdir(path.dirname(stat), { recursive: true });
  await writeFile(stat, procStat(0));
  let nowUs = 1_000_000;
  const openI2cBus = () => {
    throw new RangeError("the estimate needs no bus");
  };
  const config = { idleW: IDLE_W, fullW: FULL_W };
  using sensor = await estimate.open(config, { root: root.path, openI2cBus, monotonicUs: () => nowUs });
  const taken: Reading[] = [];
  let total = 0;
  for (const ticks of busyTicks) {
    nowUs += 100_000;
    total += ticks;
    await writeFile(stat, procStat(total));
    const reading: Reading = { tUs: 0, watts: 0, volts: 0, amps: 0, joules: 0 };
    expect(sensor.read([reading])).toBe(true);
    taken.push(reading);
  }
  return taken;
}

describe("estimate", () => {
  it("is idle power, full power, and between them in proportion to the busy share of all cores", async () => {
    const watts = (await readings([0, 20, 10])).map((reading) => reading.watts);
    expect(watts[0]).toBeCloseTo(2);
    expect(watts[1]).toBeCloseTo(6);
    expect(watts[2]).toBeCloseTo(4);
  });

  it("gives the energy of the same power over the time", async () => {
    const [first, last] = (await readings([5, 10, 0, 15])).filter((_, i) => i === 0 || i === 3);
    expect((last?.joules ?? 0) - (first?.joules ?? 0)).toBeCloseTo((4 + 2 + 5) * 0.1);
  });

  it("carries ticks that come late instead of going over full power", async () => {
    const [late, next] = await readings([22, 8]);
    expect(late?.watts).toBe(FULL_W);
    expect(next?.watts).toBeCloseTo(4);
    expect(next?.joules).toBeCloseTo((FULL_W + 4) * 0.1);
  });

  it("stays between idle and full power, and its power adds up to its energy, whatever the ticks", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: 25 }), { minLength: 1, maxLength: 12 }), async (ticks) => {
        const taken = await readings(ticks);
        for (const { watts } of taken) {
          expect(watts).toBeGreaterThanOrEqual(IDLE_W);
          expect(watts).toBeLessThanOrEqual(FULL_W);
        }
        const added = taken.reduce((sum, { watts }) => sum + watts * 0.1, 0);
        expect(taken.at(-1)?.joules).toBeCloseTo(added, 9);
      }),
      { numRuns: 50 },
    );
  });
});
