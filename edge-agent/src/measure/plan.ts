import type { BenchmarkOptions } from "@edgewatt/protocol";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { WarmUpRequest } from "../runner/messages.ts";

/** How a benchmark measures; every number of it is in the result. */
export interface Plan {
  readonly quick: boolean;
  readonly windows: number;
  readonly windowS: number;
  readonly minRuns: number;
  readonly leadInRuns: number;
  readonly idleS: number;
  /** Left out on either side of a window, so that idle stretches see none of its edges. */
  readonly rollS: number;
  readonly warmUp: WarmUpRequest;
  readonly threads: number;
  readonly spinning: boolean;
  readonly strict: boolean;
  readonly seed: number;
  /** `undefined` = the whole set. */
  readonly accuracyImages: number | undefined;
  /** One process per entry serves all blocks; otherwise each window has a fresh one. */
  readonly keepRunners: boolean;
  /** Windows that were asked for, where the time budget allows fewer. */
  readonly cutFrom: number | undefined;
}

const FULL = {
  windows: 5,
  windowS: 10,
  minRuns: 100,
  idleS: 10,
  rollS: 0.5,
  warmUp: { minRuns: 10, minS: 3, capS: 60, steadyS: 1 },
} as const;

const QUICK = {
  windows: 3,
  windowS: 2,
  minRuns: 10,
  idleS: 1,
  rollS: 0.3,
  warmUp: { minRuns: 10, minS: 0.5, capS: 2, steadyS: null },
} as const;

const QUICK_ACCURACY_IMAGES = 2000;
const LEAD_IN_RUNS = 10;
/** Start of a process with its model, for the expected time only. */
const START_S = 1;
const RUNNER_MB = 150;

export interface PlanInputs {
  readonly options: BenchmarkOptions;
  readonly entries: number;
  readonly cores: number;
  readonly availableMemoryMb: number;
  /** Chosen when the options name none. */
  readonly seed: number;
}

/** Fills the options with the method's defaults, and cuts windows where the stated time budget is smaller. */
export function makePlan({ options, entries, cores, availableMemoryMb, seed }: PlanInputs): Plan {
  const base = options.quick ? QUICK : FULL;
  const windows = options.windows ?? base.windows;
  const plan: Plan = {
    quick: options.quick,
    windows,
    windowS: options.windowS ?? base.windowS,
    minRuns: base.minRuns,
    leadInRuns: LEAD_IN_RUNS,
    idleS: options.idleS ?? base.idleS,
    rollS: base.rollS,
    warmUp: base.warmUp,
    threads: options.threads ?? Math.max(1, cores - 1),
    spinning: options.spinning,
    strict: options.strict,
    seed: options.seed ?? seed,
    accuracyImages: options.accuracyImages ?? (options.quick ? QUICK_ACCURACY_IMAGES : undefined),
    // A board with little memory cannot hold all of them at once.
    keepRunners: options.quick && entries * RUNNER_MB < availableMemoryMb / 2,
    cutFrom: undefined,
  };
  const { budgetS = Infinity } = options;
  let cut = windows;
  while (cut > 1 && expectedSeconds({ ...plan, windows: cut }, entries) > budgetS) cut -= 1;
  return cut === windows ? plan : { ...plan, windows: cut, cutFrom: windows };
}

/** How long the windows of a plan take, without quantization and accuracy. */
export function expectedSeconds(plan: Plan, entries: number): number {
  const { windows, windowS, idleS, rollS, warmUp, keepRunners } = plan;
  const start = START_S + warmUp.minS;
  if (keepRunners) return entries * start + idleS + windows * entries * (windowS + rollS + idleS);
  return windows * entries * (start + 2 * (rollS + idleS) + windowS);
}

/** For each block the entries in random order, every entry once (randomised complete blocks); the seed repeats it. */
export function blockOrders(entries: number, blocks: number, seed: number): number[][] {
  const random = xoroshiro128plus(seed);
  return Array.from({ length: blocks }, () => {
    const order = Array.from({ length: entries }, (_, i) => i);
    for (let i = order.length - 1; i > 0; i--) {
      const j = uniformInt(random, 0, i);
      [order[i], order[j]] = [order[j] ?? 0, order[i] ?? 0];
    }
    return order;
  });
}
