import path from "node:path";
import type { DeviceInfo } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";
import { tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LoadStep } from "../../src/measure/lag.ts";
import { MeterFactStore } from "../../src/measure/meter-facts.ts";
import type { MeterBench } from "../../src/operations/meter-bench.ts";
import { checkMeter } from "../../src/operations/meter-checks.ts";

const FULL = { quick: false, spinning: false, strict: false };
const QUICK = { ...FULL, quick: true };
const START_US = 1e9;
const LAG_US = 4000;
const SAMPLING_W = 0.03;
const LOAD_W = 0.8;
const SLOW_MS = 0.63;
/** What reading the meter fast adds to an inference. */
const DELAY_MS = 0.002;
const WHAT = { model: "m", precision: "fp32", threads: 1 };
const PERIOD_US = 1000;

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

interface Meter {
  readonly supplies: boolean;
  readonly faults: readonly string[];
  readonly rateHz: number;
}

/**
 * A board of 2 W that drifts by 1 mW a second, draws more while its meter is read fast and while it is loaded, which its meter shows
 * late; on a clock that only waiting moves.
 */
class Board {
  nowUs = START_US;
  readonly told: string[] = [];
  readonly #source: "ina219" | "estimate";
  readonly #fast: { fromUs: number; fast: boolean }[] = [];
  #steps: readonly LoadStep[] = [];
  /** Whether load shows in what the meter measures. */
  readonly #supplies: boolean;
  readonly #faults: readonly string[];
  readonly #rateHz: number;
  /** Whether the sampler runs. */
  up = true;
  modelsOpen = 0;

  constructor(
    source: "ina219" | "estimate",
    { supplies = true, faults = [], rateHz = 1e6 / PERIOD_US }: Partial<Meter> = {},
  ) {
    this.#source = source;
    this.#supplies = supplies;
    this.#faults = faults;
    this.#rateHz = rateHz;
  }

  check(options: typeof FULL & { observer?: boolean }) {
    const context = {
      signal: new AbortController().signal,
      event: (_: unknown, text: string) => void this.told.push(text),
    };
    return checkMeter(options, this.#bench(), context);
  }

  #isFast(tUs: number): boolean {
    return this.#fast.findLast(({ fromUs }) => fromUs <= tUs)?.fast === true;
  }

  #watts(tUs: number): number {
    const covered = this.#steps.map(
      ({ onUs, offUs }) => Math.min(tUs + PERIOD_US / 2 - LAG_US, offUs) - Math.max(tUs - PERIOD_US / 2 - LAG_US, onUs),
    );
    const load = covered.reduce((sum, us) => sum + Math.max(0, us) / PERIOD_US, 0);
    const drift = (tUs - START_US) * 1e-9;
    return 2 + drift + (this.#isFast(tUs) ? SAMPLING_W : 0) + (this.#supplies ? LOAD_W * load : 0);
  }

  #bench(): MeterBench {
    const clock: Clock = {
      nowUs: () => 1.8e15 + this.nowUs,
      monotonicUs: () => this.nowUs,
      sleep: async (ms) => void (this.nowUs += ms * 1000),
      setInterval: () => ({ [Symbol.dispose]() {} }),
    };
    const channel = { channel: "main", meter: "main", source: this.#source } as const;
    const described = { settings: { shuntOhm: 0.1 }, limits: null, averagingUs: PERIOD_US };
    return {
      power: channel,
      cores: { sampler: undefined, runner: undefined, note: "not pinned" },
      clock,
      meterFacts: new MeterFactStore(path.join(dir.path, "meters.json"), () => clock.nowUs() / 1000),
      info: () => ({ hardware: { board: "test board" } }) as DeviceInfo,
      sampler: {
        channel: () => ({
          ...channel,
          rateHz: this.#rateHz,
          accumulates: false,
          described,
          isOpening: false,
          fault: undefined,
        }),
        setRate: (rate) => {
          this.#fast.push({ fromUs: this.nowUs, fast: rate !== "idle" && rate.rate === "full" });
        },
        faultsBetween: () => [...this.#faults],
        trace: async (_, fromUs, toUs) => {
          if (!this.up) return undefined;
          const length = Math.ceil((toUs - fromUs) / PERIOD_US) + 3;
          const tUs = Float64Array.from({ length }, (__, i) => fromUs + (i - 1.3) * PERIOD_US);
          return { tUs, watts: tUs.map((t) => this.#watts(t)), joules: null };
        },
      },
      openModel: async () => {
        this.modelsOpen += 1;
        return {
          what: WHAT,
          latencyMs: async () => {
            this.nowUs += 1e6;
            const drift = (this.nowUs - START_US) * 1e-11;
            return SLOW_MS + drift + (this.#isFast(this.nowUs) ? DELAY_MS : 0);
          },
          [Symbol.asyncDispose]: async () => void (this.modelsOpen -= 1),
        };
      },
      loadSteps: async ({ count, onMs, restMs, longerMs }) => {
        this.#steps = Array.from({ length: count }, (_, step) => {
          this.nowUs += (restMs + step * longerMs) * 1000;
          const onUs = this.nowUs;
          this.nowUs += onMs * 1000;
          return { onUs, offUs: this.nowUs };
        });
        this.nowUs += restMs * 1000;
        return this.#steps;
      },
    };
  }
}

describe("checkMeter", () => {
  it("finds lag and what sampling draws, once a day", async () => {
    const board = new Board("ina219");
    const found = await board.check(FULL);
    expect(found.lag?.steps).toBe(10);
    expect(found.lag?.ms).toBeCloseTo(LAG_US / 1000, 1);
    expect(found.observer).toMatchObject({ fastHz: 1000, slowHz: 5 });
    expect(found.observer?.deltaW).toBeCloseTo(SAMPLING_W, 4);
    expect(found.observer?.halfWidth95W).toBeLessThan(1e-4);
    expect(found.observer?.latency).toMatchObject(WHAT);
    expect(found.observer?.latency?.deltaMs).toBeCloseTo(DELAY_MS, 9);
    expect(found.observer?.latency?.halfWidth95Ms).toBeLessThan(1e-9);
    expect(found.observer?.latency?.slowMs).toBeCloseTo(SLOW_MS, 2);
    expect(board.modelsOpen).toBe(0);
    expect(found).not.toHaveProperty("lagNote");
    expect(found).not.toHaveProperty("observerNote");
    expect(board.told).toHaveLength(2);

    board.nowUs += 3600e6;
    expect(await board.check(FULL)).toEqual(found);
    expect(await board.check(QUICK)).toEqual(found);
    expect(board.told).toHaveLength(2);
    board.nowUs += 86_400e6;
    await board.check(FULL);
    expect(board.told).toHaveLength(4);
  });

  it("leaves both out of a quick run where nothing is known, unless asked for", async () => {
    const board = new Board("ina219");
    const nothing = {
      lag: null,
      lagNote: "not measured in a quick run",
      observer: null,
      observerNote: "not measured in a quick run, unless --observer asks for it",
    };
    expect(await board.check(QUICK)).toEqual(nothing);
    expect(board.nowUs).toBe(START_US);
    expect((await board.check({ ...QUICK, observer: true })).observer?.deltaW).toBeCloseTo(SAMPLING_W, 4);
    expect(await new Board("ina219").check({ ...QUICK, observer: false })).toMatchObject({ lag: null });
  });

  it("says of an estimate that it has no lag to speak of, and what its observer effect leaves out", async () => {
    const { lag, lagNote, observer } = await new Board("estimate").check(FULL);
    expect(lag).toBeNull();
    expect(lagNote).toMatch(/estimate from processor time/);
    expect(observer?.note).toMatch(/processor time of sampling alone/);
  });

  it("does not keep what it looked for in vain", async () => {
    const elsewhere = new Board("ina219", { supplies: false });
    expect((await elsewhere.check(FULL)).lagNote).toMatch(/steps of load do not show in the power/);
    expect((await new Board("ina219").check(FULL)).lag).not.toBeNull();
  });

  it("does not blame the wiring for a sampler that was down or a meter that failed", async () => {
    const down = new Board("ina219");
    down.up = false;
    expect(await down.check(FULL)).toEqual({
      lag: null,
      lagNote: "the sampler was down while the load steps ran",
      observer: null,
      observerNote: "the meter gave too few readings while its own effect was measured",
    });
    const failing = new Board("ina219", { supplies: false, faults: ["no-answer"] });
    expect((await failing.check(FULL)).lagNote).toBe("the meter failed while the load steps ran: no-answer");
  });

  it("says why there is no observer effect where nobody asked for one or none can be", async () => {
    const board = new Board("ina219");
    expect((await board.check({ ...FULL, observer: false })).observerNote).toBe("not asked for");
    const slow = new Board("ina219", { rateHz: 4 });
    expect(await slow.check({ ...FULL, observer: true })).toMatchObject({
      observer: null,
      observerNote: "the meter is never read more than 5 times a second",
    });
  });
});
