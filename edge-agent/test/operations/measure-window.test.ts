import { expect, it } from "vitest";
import { Measuring } from "../../src/measure/measuring.ts";
import { makePlan } from "../../src/measure/plan.ts";
import type { PreparedEntry } from "../../src/operations/entries.ts";
import { WindowMeasurement, type Slot } from "../../src/operations/measure-window.ts";
import type { Workbench } from "../../src/operations/workbench.ts";

const WINDOW_US = 2e6;

/** A board of constant power on a clock that only waiting and windows move, whose meter is away from time to time. */
class Board {
  nowUs = 1e9;
  /** What the agent sends while it waits. */
  readonly stretches: { ms: number; quiet: boolean; silent: boolean }[] = [];
  silent = false;
  readonly measuring = new Measuring((strict) => void (this.silent = strict !== undefined));
  readonly #away: (tUs: number) => boolean;
  /** Moments at which the meter failed. */
  readonly failedUs: number[] = [];

  constructor(away: (tUs: number) => boolean) {
    this.#away = away;
  }

  bench(): Workbench {
    const channel = { channel: "main", meter: "main", source: "ina219" };
    const bench = {
      power: channel,
      clock: {
        monotonicUs: () => this.nowUs,
        sleep: async (ms: number) => {
          this.stretches.push({ ms, quiet: this.measuring.active, silent: this.silent });
          this.nowUs += ms * 1000;
        },
      },
      sampler: {
        pid: 2,
        setRate() {},
        channel: () => ({ ...channel, rateHz: 1000 }),
        faultsBetween: (_: string, fromUs: number, toUs: number) =>
          this.failedUs.some((tUs) => tUs >= fromUs && tUs <= toUs) ? ["bus-error"] : [],
        trace: async (_: string, fromUs: number, toUs: number) => {
          if (this.#away(fromUs) || this.#away(toUs)) return undefined;
          const tUs = Float64Array.from({ length: (toUs - fromUs) / 1000 + 3 }, (__, i) => fromUs + (i - 1) * 1000);
          return { tUs, watts: tUs.map(() => 3), joules: null };
        },
      },
      supply: { mean: () => 5 },
      measuring: this.measuring,
      probe: { temperatureC: () => undefined, snapshot: () => ({ throttled: null }) },
      telemetry: { record() {}, flush() {}, toEpochMs: (tUs: number) => tUs / 1000 },
    };
    return bench as unknown as Workbench;
  }

  /** With a runner of its own. */
  slot(): Slot {
    const runner = {
      pid: 3,
      window: async () => {
        this.stretches.push({ ms: WINDOW_US / 1000, quiet: this.measuring.active, silent: this.silent });
        const t0Us = this.nowUs;
        this.nowUs += WINDOW_US;
        const startsUs = Float64Array.of(t0Us);
        const latenciesMs = Float64Array.of(WINDOW_US / 1000);
        return { type: "window", t0Us, t1Us: this.nowUs, startsUs, latenciesMs, gcMs: 0, peakMb: 90 };
      },
    };
    return { runner: runner as unknown as Slot["runner"], latencyMs: 1 };
  }
}

/** Windows of kept runners, as a quick run takes them: a slot for each window. */
async function take(board: Board, slots: readonly Slot[], options = { strict: false }) {
  return takeOn(board.bench(), slots, options);
}

async function takeOn(bench: Workbench, slots: readonly Slot[], { strict }: { strict: boolean }) {
  const plan = makePlan({
    options: { quick: true, spinning: false, strict },
    entries: 1,
    cores: 2,
    availableMemoryMb: 4000,
    seed: 1,
  });
  const context = { signal: new AbortController().signal } as ConstructorParameters<typeof WindowMeasurement>[2];
  const measurement = new WindowMeasurement(plan, bench, context, undefined);
  const entry = { run: "J/0", model: { name: "m" }, precision: "fp32" } as PreparedEntry;
  const windows = [];
  for (const [block, slot] of slots.entries()) windows.push(await measurement.take(entry, block, slot));
  return windows;
}

it("one idle stretch serves two windows of the same runner", async () => {
  const board = new Board(() => false);
  const slot = board.slot();
  const [first, second] = await take(board, [slot, slot]);
  expect(first?.idleBefore).toBeDefined();
  expect(second?.idleBefore).toBe(first?.idleAfter);
  // Three idle stretches of 1 s after 0.3 s each, two windows, the second after half a roll.
  expect(board.nowUs - 1e9).toBeCloseTo(3 * 1.3e6 + 2 * WINDOW_US + 0.15e6, 3);
});

it.each([false, true])("the agent sends the same in idle stretches as in the window, strict: %s", async (strict) => {
  const board = new Board(() => false);
  await take(board, [board.slot()], { strict });
  const measured = board.stretches.filter(({ ms }) => ms === 1000 || ms === WINDOW_US / 1000);
  expect(measured).toHaveLength(3);
  for (const stretch of measured) expect(stretch).toMatchObject({ quiet: true, silent: strict });
  expect(board.measuring.active).toBe(false);
  expect(board.silent).toBe(false);
});

it("nothing is sent between an idle stretch and the window that follows it", async () => {
  const board = new Board(() => false);
  let changes = 0;
  const told: number[] = [];
  const measuring = new Measuring(() => (changes += 1));
  const bench = { ...board.bench(), measuring } as Workbench;
  const slot = board.slot();
  const window = slot.runner.window.bind(slot.runner);
  const runner = Object.assign(slot.runner, {
    window: async (...args: Parameters<typeof window>) => {
      told.push(changes);
      measuring.afterStretch(() => told.push(-1));
      return window(...args);
    },
  });
  await takeOn(bench, [{ ...slot, runner }], { strict: true });
  // Silence was told once, before the idle stretch; what else there was to tell came after the window.
  expect(told).toEqual([1, -1]);
});

it("windows of two runners have idle stretches of their own", async () => {
  const board = new Board(() => false);
  const [one, other] = [board.slot(), board.slot()];
  const [first, second, third] = await take(board, [one, other, other]);
  expect(second?.idleBefore).toBeDefined();
  expect(second?.idleBefore).not.toBe(first?.idleAfter);
  expect(third?.idleBefore).toBe(second?.idleAfter);
  expect(board.nowUs - 1e9).toBeCloseTo(5 * 1.3e6 + 3 * WINDOW_US + 0.15e6, 3);
});

it("an idle stretch that the meter missed costs no window but its own", async () => {
  // The first window ends at 3.3 s; the idle stretch after it would be from 3.6 to 4.6 s.
  const board = new Board((tUs) => tUs > 1e9 + 3.4e6 && tUs < 1e9 + 4.7e6);
  const slot = board.slot();
  const [first, second] = await take(board, [slot, slot]);
  expect(first?.power).toBeDefined();
  expect(first?.idleAfter).toBeUndefined();
  expect(second?.idleBefore).toBeDefined();
  expect(second?.idleAfter).toBeDefined();
});

it("a fault of the meter is of the stretch in which it was, and of all windows that use that stretch", async () => {
  const board = new Board(() => false);
  // Idle from 0.3 s, window from 1.3 s, idle from 3.6 s, window from 4.6 s, idle from 6.9 s.
  board.failedUs.push(1e9 + 4e6, 1e9 + 5e6);
  const slot = board.slot();
  const [first, second] = await take(board, [slot, slot]);
  expect(first).toMatchObject({ faults: [], idleFaults: ["bus-error"] });
  expect(second).toMatchObject({ faults: ["bus-error"], idleFaults: ["bus-error"] });
});
