import {
  DEFAULT_TIMEOUT_S,
  type BenchmarkOptions,
  type GraphOptimization,
  type PowerSource,
  type ResultRow,
} from "@edgewatt/protocol";
import type { WarmUpRequest } from "../runner/messages.ts";

/** How a benchmark measures; every number of it is in the result. */
export interface Plan {
  readonly quick: boolean;
  /** Of every entry. */
  readonly windows: number;
  /** Of an entry whose figures spread more than `target`. */
  readonly maxWindows: number;
  /** Half-width of gross energy as a share of it at which an entry has enough windows; `undefined` = nobody looks. */
  readonly target: number | undefined;
  /** What all windows together may take. */
  readonly budgetS: number;
  readonly windowS: number;
  /** What the method takes for a window with this meter. */
  readonly methodWindowS: number;
  readonly minRuns: number;
  readonly leadInRuns: number;
  readonly idleS: number;
  /** Left out before each idle stretch, so that it sees nothing of the window, the warm-up or the sending before it. */
  readonly rollS: number;
  readonly warmUp: WarmUpRequest;
  /** How long a window waits for the temperature at which the first began. */
  readonly coolDownS: number;
  readonly threads: number;
  readonly spinning: boolean;
  readonly graphOptimization: GraphOptimization;
  /** Images per run. */
  readonly batch: number;
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
  maxWindows: 20,
  target: 0.01,
  windowS: 10,
  coolDownS: 30,
  minRuns: 100,
  idleS: 10,
  rollS: 0.5,
  warmUp: { minRuns: 10, minS: 3, capS: 60, steadyS: 1 },
} as const;

const QUICK = {
  windows: 3,
  maxWindows: 3,
  target: undefined,
  windowS: 2,
  coolDownS: 0,
  minRuns: 10,
  idleS: 1,
  rollS: 0.3,
  warmUp: { minRuns: 10, minS: 0.5, capS: 2, steadyS: null },
} as const;

/**
 * A meter that takes momentary readings below 100 a second misses what a model does between them: a 10 s window of it spreads by 0.3
 * to 1.8 % (docs/measuring.md, "Slow meters"). Running totals miss nothing.
 */
const SLOW_BELOW_HZ = 100;
const SLOW = { windows: 3, windowS: 60 } as const;
/**
 * The reading before an idle stretch lies up to one reading back and begins half of one earlier still; a kernel driver's may be half of
 * one older than it seems.
 */
const ROLL_READINGS = 2;
/** Leaves a job of the default timeout time to quantize and to measure accuracy. */
const DEFAULT_BUDGET_S = 0.75 * DEFAULT_TIMEOUT_S;
const QUICK_ACCURACY_IMAGES = 2000;
const LEAD_IN_RUNS = 10;
/** Start of a process with its model, for the expected time only. */
const START_S = 1;
const RUNNER_MB = 150;

/** What the plan must know of the channel that fills the table. */
interface PlannedMeter {
  readonly source: PowerSource;
  readonly rateHz: number;
  readonly accumulates: boolean;
  /** Time that a reading is the mean over, µs. */
  readonly averagingUs: number;
}

export interface PlanInputs {
  readonly options: BenchmarkOptions;
  readonly entries: number;
  readonly cores: number;
  readonly availableMemoryMb: number;
  /** Chosen when the options name none. */
  readonly seed: number;
  /** `undefined` while it gives no readings. */
  readonly meter?: PlannedMeter | undefined;
}

/** Fills the options with the method's defaults, and cuts windows where the stated time budget is smaller. */
export function makePlan({ options, entries, cores, availableMemoryMb, seed, meter }: PlanInputs): Plan {
  const { quick, targetHalfWidthPct } = options;
  // A quick run stays quick; its length is among its flags.
  const base = quick ? QUICK : { ...FULL, ...(meter !== undefined && isSlow(meter) ? SLOW : {}) };
  const maxWindows = options.maxWindows ?? options.windows ?? base.maxWindows;
  const windows = Math.min(options.windows ?? base.windows, maxWindows);
  const plan: Plan = {
    quick,
    windows,
    maxWindows,
    target: targetHalfWidthPct === undefined ? base.target : targetHalfWidthPct / 100,
    budgetS: options.budgetS ?? DEFAULT_BUDGET_S,
    windowS: options.windowS ?? base.windowS,
    methodWindowS: base.windowS,
    minRuns: base.minRuns,
    leadInRuns: LEAD_IN_RUNS,
    idleS: options.idleS ?? base.idleS,
    rollS: Math.max(base.rollS, (ROLL_READINGS * (meter?.averagingUs ?? 0)) / 1e6),
    warmUp: base.warmUp,
    coolDownS: base.coolDownS,
    threads: options.threads ?? Math.max(1, cores - 1),
    spinning: options.spinning,
    graphOptimization: options.graphOptimization ?? "all",
    batch: options.batch ?? 1,
    strict: options.strict,
    seed: options.seed ?? seed,
    accuracyImages: options.accuracyImages ?? (quick ? QUICK_ACCURACY_IMAGES : undefined),
    // A board with little memory cannot hold all of them at once.
    keepRunners: quick && entries * RUNNER_MB < availableMemoryMb / 2,
    cutFrom: undefined,
  };
  let cut = windows;
  while (cut > 1 && expectedSeconds({ ...plan, windows: cut }, entries) > plan.budgetS) cut -= 1;
  return cut === windows ? plan : { ...plan, windows: cut, maxWindows: cut, cutFrom: windows };
}

function isSlow({ source, rateHz, accumulates }: PlannedMeter): boolean {
  return source !== "estimate" && !accumulates && rateHz < SLOW_BELOW_HZ;
}

/** What a row was measured with besides its model. */
export function factorsOf({ threads, spinning, batch, graphOptimization }: Plan): ResultRow["factors"] {
  return { threads, spinning, batch, graphOptimization };
}

/** How long the windows of a plan take, without quantization and accuracy. */
export function expectedSeconds(plan: Plan, entries: number): number {
  const { windows, windowS, idleS, rollS, warmUp, keepRunners } = plan;
  const start = START_S + warmUp.minS;
  if (keepRunners && entries === 1) return start + rollS + idleS + windows * (windowS + rollS + idleS);
  // Windows of the same runner share an idle stretch, which follow each other by chance only.
  if (keepRunners) return entries * start + windows * entries * (windowS + 2 * (rollS + idleS));
  return windows * entries * (start + 2 * (rollS + idleS) + windowS);
}
