import { spawn } from "node:child_process";
import { once } from "node:events";
import { requireSystem, type SimulatedChip } from "@edgewatt/testing";
import { describe, expect, it } from "vitest";
import type { Step } from "./raw-bus.ts";
import { StartedBus } from "./start-bus.ts";

const gcc = requireSystem("gcc");
const MARK = "burn-for-the-meter";
/** Works and rests in turn, and tells how much processor time it took in all, s. */
const BURN = `
const sleeper = new Int32Array(new SharedArrayBuffer(4));
for (let i = 0; i < 4; i++) {
  const end = performance.now() + 150;
  while (performance.now() < end);
  Atomics.wait(sleeper, 0, 0, 120 + 30 * i);
}
const { user, system } = process.cpuUsage();
console.log((user + system) / 1e6);
`;
const SHUNT_OHM = 0.02;
const IDLE_A = 0.2;
const FULL_A = 1;
const LAG_MS = 100;

function chip(type: SimulatedChip["type"], address: number, lagMs: number): SimulatedChip {
  const amps = { kind: "cpu", idleA: IDLE_A, fullA: FULL_A, lagMs } as const;
  return { type, address, channels: [{ shuntOhm: SHUNT_OHM, volts: 5, amps }] };
}

/** Linear between readings, and the first and last one beyond. */
function interpolate(times: readonly number[], values: readonly number[], t: number): number {
  const after = times.findIndex((time) => time >= t);
  if (after <= 0) return (after === 0 ? values[0] : values.at(-1)) ?? Number.NaN;
  const [t0 = 0, t1 = 0] = times.slice(after - 1, after + 1);
  const [v0 = 0, v1 = 0] = values.slice(after - 1, after + 1);
  return v0 + ((v1 - v0) * (t - t0)) / (t1 - t0);
}

describe.skipIf(gcc.skip)(`a load that follows the processor ${gcc.reason}`, () => {
  // Where other work holds up the readings or the burner, it says nothing of the simulation, and is tried again.
  it("draws what a process works, as much later as it is told", { retry: 2 }, async () => {
    const chips = [chip("ina226", 0x40, 0), chip("ina226", 0x41, LAG_MS), chip("ina228", 0x44, 0)];
    await using started = await StartedBus.start({ chips, follow: MARK });
    const { bus, raw } = started;
    // Means of 16 pairs of 140 us are short beside the lag and long beside the turns of the scheduler.
    for (const address of [0x40, 0x41]) await raw.run(["setWord", address, 0, 0x4407]);
    const [fromUs = 0, before = 0, , idle] = await raw.run(
      ["now"],
      ["wide", 0x44, 10, 5],
      ["sleep", 50],
      ["word", 0x40, 1],
    );
    expect(idle).toBe(1600);

    const burner = spawn(process.execPath, ["-e", BURN, MARK], { env: { ...process.env, ...bus.env } });
    const told = once(burner.stdout, "data") as Promise<[Buffer]>;
    const ended = once(burner, "exit");
    const read: Step[] = [["now"], ["word", 0x40, 1], ["word", 0x41, 1], ["sleep", 2]];
    const [series = []] = await raw.run<number[][]>(["times", 600, read]);
    const [output] = await told;
    await ended;
    const [after = 0, toUs = 0] = await raw.run(["wide", 0x44, 10, 5], ["now"]);

    // Without calibration a step of charge is one of the shunt voltage, 312.5 nV, for a second.
    const charge = ((after - before) * 312.5e-9) / SHUNT_OHM;
    const worked = (charge - (IDLE_A * (toUs - fromUs)) / 1e6) / (FULL_A - IDLE_A);
    // It cannot tell the work of its own end, which on a busy machine takes some hundredths of a second.
    const excess = worked / Number(String(output)) - 1;
    expect(excess).toBeGreaterThan(-0.05);
    expect(excess).toBeLessThan(0.2);

    const times = series.map(([t = 0]) => t / 1000);
    const [prompt, late] = [1, 2].map((column) => series.map((row) => row[column] ?? Number.NaN));
    const misfit = (lagMs: number) =>
      times.reduce(
        (sum, t, i) =>
          sum + (t - (times[0] ?? 0) < 200 ? 0 : (interpolate(times, prompt ?? [], t - lagMs) - (late?.[i] ?? 0)) ** 2),
        0,
      );
    const lags = Array.from({ length: 101 }, (_, i) => 2 * i);
    const best = lags.reduce((a, b) => (misfit(b) < misfit(a) ? b : a));
    expect(Math.abs(best - LAG_MS)).toBeLessThanOrEqual(10);
  });
});
