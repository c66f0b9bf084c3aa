import { createLogger, systemClock } from "@edgewatt/runtime";
import { createFakeIna219, eventually, requireSystem, tempDir, type FakeIna219State } from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";
import { measureStretch } from "../../src/measure/energy.ts";
import type { PowerInterval } from "../../src/sampler/messages.ts";
import { Sampler } from "../../src/sampler/sampler.ts";

const gcc = requireSystem("gcc");

const cleanups: (() => PromiseLike<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** The agent's sampler child with the real i2c-bus addon on a simulated chip. */
async function start(state: Partial<FakeIna219State>) {
  const dir = await tempDir();
  cleanups.push(() => dir[Symbol.asyncDispose]());
  const chip = await createFakeIna219(dir.path, state);
  const intervals: PowerInterval[] = [];
  const sampler = new Sampler({
    start: {
      meters: [
        {
          name: "main",
          source: "ina219",
          config: { bus: chip.bus, address: chip.address, shuntOhm: 0.1, maxA: 3.2, busRangeV: 16 },
        },
      ],
      root: "",
    },
    cores: undefined,
    log: createLogger({ name: "test", level: "silent" }),
    clock: systemClock,
    env: chip.env,
    onInterval: (_channel, interval) => intervals.push(interval),
    onChange: () => {},
  });
  cleanups.push(() => sampler.stop());
  const newest = (count: number) => {
    if (intervals.length < count) throw new RangeError(`${intervals.length} of ${count} intervals`);
    return intervals.slice(-count);
  };
  return { chip, sampler, intervals, newest };
}

describe.skipIf(gcc.skip)(`INA219 through i2c-bus ${gcc.reason}`, () => {
  it("reads the true watts, volts and amps", async () => {
    const { newest, intervals } = await start({ volts: 5, high: 0.8 });
    const [first, second] = await eventually(() => newest(2));
    for (const interval of [first, second]) {
      expect(interval?.w).toBeGreaterThan(4 * 0.99);
      expect(interval?.w).toBeLessThan(4 * 1.01);
      expect(interval?.v).toBeCloseTo(5, 2);
      expect(interval?.a).toBeCloseTo(0.8, 1);
    }
    expect((second?.tUs ?? 0) - (first?.tUs ?? 0)).toBe(100_000);
    expect(intervals.every(({ wMin, w, wMax }) => wMin <= w && w <= wMax)).toBe(true);
  });

  it("integrates a square wave at full rate to its energy", async () => {
    const { sampler, newest } = await start({ volts: 5, high: 1, low: 0.2, period: 0.2 });
    await eventually(() => newest(1));
    sampler.setRate({ rate: "full", keepS: 0 });
    await systemClock.sleep(300);
    // Five whole periods of 5 W and 1 W in equal parts. A busy machine costs samples, and with them precision: such a second does not count.
    const stretch = await eventually(async () => {
      const fromUs = systemClock.monotonicUs();
      await systemClock.sleep(1000);
      const toUs = fromUs + 1_000_000;
      const trace = await sampler.trace("main", fromUs, toUs);
      if (trace === undefined) throw new RangeError("no trace");
      expect(trace.joules).toBeNull();
      const widestUs = Math.max(...trace.tUs.slice(1).map((tUs, i) => tUs - (trace.tUs[i] ?? 0)));
      expect(widestUs).toBeLessThan(20_000);
      return measureStretch(trace, fromUs, toUs);
    });
    expect(stretch?.joules).toBeGreaterThan(3 * 0.95);
    expect(stretch?.joules).toBeLessThan(3 * 1.05);
    expect(stretch?.maxW).toBeCloseTo(5, 1);
    expect(stretch?.samples).toBeGreaterThan(100);
  });

  it("names a chip that is gone, and reads on when it is back", async () => {
    const { chip, sampler, intervals, newest } = await start({});
    await eventually(() => newest(1));
    await chip.set({ absent: true });
    await eventually(() => expect(sampler.channel("main").fault).toMatch(/nothing answers at 0x40/));
    await chip.set({ absent: false, resets: 1 });
    const before = intervals.length;
    await eventually(() => expect(intervals.length).toBeGreaterThan(before + 2));
    expect(sampler.channel("main").fault).toBeUndefined();
    expect(sampler.faultsBetween("main", 0, systemClock.monotonicUs())).toContain("no-answer");
  });

  it("sets the chip up again when it was reset, and says so", async () => {
    const { chip, sampler, intervals, newest } = await start({ volts: 5, high: 0.8 });
    await eventually(() => newest(1));
    await chip.set({ resets: 1 });
    await eventually(() =>
      expect(sampler.faultsBetween("main", 0, systemClock.monotonicUs())).toContain("calibration-lost"),
    );
    const before = intervals.length;
    await eventually(() => expect(intervals.length).toBeGreaterThan(before + 2));
    expect(intervals.at(-1)?.w).toBeGreaterThan(3.9);
    expect(intervals.every(({ w }) => w > 3.9)).toBe(true);
  });

  it("reports overflow instead of a wrong figure", async () => {
    const { chip, sampler, newest } = await start({ volts: 5, high: 0.8 });
    await eventually(() => newest(1));
    await chip.set({ volts: 15.9, high: 3.2, shunt: 0.11 });
    await eventually(() => expect(sampler.channel("main").fault).toMatch(/range of 3.2 A/));
  });

  it("refuses another chip at the address", async () => {
    const { sampler } = await start({ memory: true });
    await eventually(() => expect(sampler.channel("main").fault).toMatch(/is no INA219/));
  });

  it("starts again when the sampler process dies", async () => {
    const { intervals, newest, sampler } = await start({});
    await eventually(() => newest(1));
    const { pid } = sampler;
    if (pid === undefined) throw new RangeError("no process");
    process.kill(pid, "SIGKILL");
    await eventually(() => expect(sampler.faultsBetween("main", 0, Number.MAX_VALUE)).toContain("sampler-died"));
    const before = intervals.length;
    await eventually(() => expect(intervals.length).toBeGreaterThan(before + 2));
  });
});
