import { describe, expect, it } from "vitest";
import { readMachine } from "../../../src/device/machine-snapshot.ts";
import { machineFlags } from "../../../src/measure/flags/machine.ts";
import { FakeMachine, type MachineState } from "../../device/fake-machine.ts";
import { goodWindow, onMachine } from "../measured-window.ts";

const AGENT = 100;
const SAMPLER = 101;
const RUNNER = 102;
const PIDS = [AGENT, SAMPLER, RUNNER];

/** Before a window; all ticks are since boot. */
const BEFORE = {
  cpu: { tasks: 5000, interrupts: 40, idle: 20_000 },
  processes: { [AGENT]: 300, [SAMPLER]: 500, [RUNNER]: 800 },
  milliC: 45_000,
  swap: [7, 9],
  policy: {
    governor: "performance",
    minKhz: 600_000,
    maxKhz: 2_400_000,
    ticksAtKhz: { 600_000: 900, 2_400_000: 5000 },
  },
} as const satisfies MachineState;

/** After 10 s in which the runner kept three cores busy, the sampler half of one and the agent a little of it. */
const AFTER: MachineState = {
  ...BEFORE,
  cpu: { tasks: 5000 + 3061, interrupts: 40 + 100, idle: 20_000 + 839 },
  processes: { [AGENT]: 310, [SAMPLER]: 550, [RUNNER]: 3800 },
  milliC: 46_500,
  policy: { ...BEFORE.policy, ticksAtKhz: { 600_000: 904, 2_400_000: 5996 } },
};

/** Flags of a window with these states at its edges, read from a fake `/proc` and `/sys`. */
async function flagsOf(before: MachineState, after: MachineState): Promise<string[]> {
  await using machine = await FakeMachine.create(before);
  const first = readMachine(machine.root, PIDS, { bits: null });
  await machine.become(after);
  return machineFlags([onMachine(first, readMachine(machine.root, PIDS, { bits: null }))]);
}

describe("machineFlags", () => {
  it("are silent on a machine that did nothing but measure", async () => {
    expect(await flagsOf(BEFORE, AFTER)).toEqual([]);
  });

  it("are silent where the kernel tells nothing", async () => {
    const bare: MachineState = { cpu: BEFORE.cpu };
    expect(await flagsOf(bare, bare)).toEqual([]);
    expect(machineFlags([goodWindow()])).toEqual([]);
  });

  it("see other processes, and not interrupts", async () => {
    const busier = { ...AFTER, cpu: { tasks: 5000 + 3060 + 200, interrupts: 140, idle: 20_000 + 640 } };
    expect(await flagsOf(BEFORE, busier)).toEqual([
      "foreign-cpu: other processes took 5 % of the processors in a window, over 2 %",
    ]);
    const interrupted = { ...AFTER, cpu: { tasks: 5000 + 3060, interrupts: 40 + 400, idle: 20_000 + 540 } };
    expect(await flagsOf(BEFORE, interrupted)).toEqual([]);
  });

  it("count what a process of ours took that started inside as ours", async () => {
    const before = { ...BEFORE, processes: { [AGENT]: 300, [SAMPLER]: 500 } };
    const after = { ...AFTER, processes: { ...AFTER.processes, [RUNNER]: 3000 } };
    expect(await flagsOf(before, after)).toEqual([]);
  });

  it("say nothing of a few clock ticks in a short window", async () => {
    const short = { ...BEFORE, cpu: { tasks: 5004, interrupts: 40, idle: 20_046 } };
    expect(await flagsOf(BEFORE, short)).toEqual([]);
    const five = { ...BEFORE, cpu: { tasks: 5005, interrupts: 40, idle: 20_045 } };
    expect((await flagsOf(BEFORE, five)).join()).toMatch(/^foreign-cpu: other processes took 10 %/);
  });

  it("see a clock below the one that it is pinned to", async () => {
    const capped = { ...AFTER, policy: { ...BEFORE.policy, ticksAtKhz: { 600_000: 906, 2_400_000: 5994 } } };
    expect(await flagsOf(BEFORE, capped)).toEqual([
      "frequency-below-pinned: cores of policy0 below 2400 MHz for 0.6 % of a window, over 0.5 %",
    ]);
  });

  it("see a limit that was lowered below what the governor holds", async () => {
    const lowered = { ...BEFORE.policy, maxKhz: 600_000, ticksAtKhz: { 600_000: 1900, 2_400_000: 5000 } };
    expect(await flagsOf(BEFORE, { ...AFTER, policy: lowered })).toEqual([
      "frequency-below-pinned: cores of policy0 below 2400 MHz for 100 % of a window, over 0.5 %",
    ]);
  });

  it("take the lowest clock for the pinned one under powersave, and say which governor lets the clock go", async () => {
    const saving = { ...BEFORE.policy, governor: "powersave" };
    const low = { ...saving, ticksAtKhz: { 600_000: 1900, 2_400_000: 5000 } };
    expect(await flagsOf({ ...BEFORE, policy: saving }, { ...AFTER, policy: low })).toEqual([]);
    const free = { ...BEFORE.policy, governor: "ondemand" };
    const wandering = { ...free, ticksAtKhz: { 600_000: 1150, 2_400_000: 5750 } };
    expect(await flagsOf({ ...BEFORE, policy: free }, { ...AFTER, policy: wandering })).toEqual([
      "frequency-not-pinned: cores of policy0 below 2400 MHz for 25 % of a window, as governor ondemand lets it; set performance",
    ]);
  });

  it("see swapping", async () => {
    expect(await flagsOf(BEFORE, { ...AFTER, swap: [12, 9] })).toEqual(["swap: 5 pages in and 0 out in the windows"]);
  });

  it("see a temperature that rises, and windows that begin at different ones", async () => {
    expect(await flagsOf(BEFORE, { ...AFTER, milliC: 55_100 })).toEqual([
      "temperature-rise: 10 °C inside a window, over 10 °C",
    ]);
    const at = (temperatureC: number) =>
      onMachine({ throttled: null, temperatureC }, { throttled: null, temperatureC });
    expect(machineFlags([at(45), at(46.9)])).toEqual([]);
    expect(machineFlags([at(45), at(46), at(47.3)])).toEqual([
      "start-temperature: windows began at 45.0 to 47.3 °C, over 2 °C apart",
    ]);
  });
});
