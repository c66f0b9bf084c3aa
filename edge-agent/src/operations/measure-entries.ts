import type { JobContext } from "../jobs/operation.ts";
import { createBlockOrder } from "../measure/blocks.ts";
import type { Plan } from "../measure/plan.ts";
import { agreementOf, type RepetitionEnd } from "../measure/repetition.ts";
import { TimeBudget } from "../measure/time-budget.ts";
import type { MeasuredWindow } from "../measure/window-figures.ts";
import type { Accuracy } from "../runner/messages.ts";
import { measureFirstSessionMb } from "../runner/first-session.ts";
import type { Runner } from "../runner/runner.ts";
import type { PreparedEntry } from "./entries.ts";
import { WindowMeasurement, type Slot } from "./measure-window.ts";
import type { RowTraces } from "./row-traces.ts";
import { loadEntry, startWarm } from "./start-runner.ts";
import type { Workbench } from "./workbench.ts";

/** Share of the progress that the windows of the plan are; the rest is for those that precision asks for. */
const PLANNED_SHARE = 0.6;

/** What measuring one entry gave. */
export interface MeasuredEntry {
  readonly windows: MeasuredWindow[];
  baselineMb: number;
  /** What ONNX Runtime takes for its first session, whatever the model. */
  sessionMb: number;
  /** The largest proportional set size after windows, 10^6 bytes. */
  pssMb: number | null;
  /** Whether every warm-up became steady before its cap. */
  steady: boolean;
  end: RepetitionEnd | undefined;
  accuracy: Accuracy | string;
}

/** Where the measurement is. */
export interface WindowProgress {
  readonly entry: PreparedEntry;
  /** Counts from 1. */
  readonly block: number;
  readonly blocks: string;
  /** Of all windows, 0 to 1. */
  readonly share: number;
}

export interface MeasuringJob {
  readonly entries: readonly PreparedEntry[];
  readonly plan: Plan;
  /** Measures accuracy in a runner, apart from the windows; a string says why there is none. */
  readonly accuracyOf: string | ((entry: PreparedEntry, runner: Runner) => Promise<Accuracy | string>);
  readonly onWindow: (progress: WindowProgress) => void;
  /** Keeps the raw readings. */
  readonly traces?: RowTraces;
}

/**
 * Measures entries in randomised blocks, one window of each per block: all of them for as many blocks as planned, then those that are
 * not precise enough yet, for as long as windows and time allow.
 */
export class EntryMeasurement {
  readonly #job: MeasuringJob;
  readonly #bench: Workbench;
  readonly #context: JobContext;
  readonly #window: WindowMeasurement;
  readonly #results: MeasuredEntry[];
  readonly #kept = new Map<number, Slot>();

  constructor(job: MeasuringJob, bench: Workbench, context: JobContext) {
    this.#job = job;
    this.#bench = bench;
    this.#context = context;
    this.#window = new WindowMeasurement(job.plan, bench, context, job.traces);
    this.#results = job.entries.map(() => ({
      windows: [],
      baselineMb: Number.NaN,
      sessionMb: Number.NaN,
      pssMb: null,
      steady: true,
      end: undefined,
      accuracy: "not measured",
    }));
  }

  async run(): Promise<readonly MeasuredEntry[]> {
    const { entries, plan } = this.#job;
    try {
      const { cores } = this.#bench;
      const sessionMb = await measureFirstSessionMb(plan, { cores: cores.runner, signal: this.#context.signal });
      for (const result of this.#results) result.sessionMb = sessionMb;
      if (plan.keepRunners) {
        for (const index of entries.keys()) this.#kept.set(index, await this.#start(index));
      }
      await this.#blocks();
      for (const index of entries.keys()) await this.#accuracy(index);
      return this.#results;
    } finally {
      this.#bench.measuring.end();
      for (const { runner } of this.#kept.values()) await runner[Symbol.asyncDispose]();
    }
  }

  async #blocks(): Promise<void> {
    const { entries, plan } = this.#job;
    const orderOf = createBlockOrder(plan.seed);
    const budget = new TimeBudget(plan.budgetS, () => this.#bench.clock.monotonicUs());
    let open = [...entries.keys()];
    for (let block = 0; block < plan.maxWindows && open.length > 0; block++) {
      if (block > 0 && !budget.allows(open.length)) break;
      for (const [done, index] of orderOf(open).entries()) {
        this.#tell(index, block, done / open.length);
        await this.#measureOnce(index, block);
      }
      budget.took(open.length);
      if (block + 1 >= plan.windows) open = this.#imprecise(open, block + 1);
    }
    // What is still open, only time has ended.
    for (const index of open) this.#close(index, "budget");
  }

  /** Those that need more windows; the others are done. */
  #imprecise(open: readonly number[], windows: number): number[] {
    const { plan } = this.#job;
    return open.filter((index) => {
      const { share } = agreementOf(this.#resultOf(index).windows);
      const goesOn =
        plan.target !== undefined && windows < plan.maxWindows && (share === undefined || share > plan.target);
      if (!goesOn) this.#close(index, "plan");
      return goesOn;
    });
  }

  #close(index: number, endedBy: RepetitionEnd["endedBy"]): void {
    const result = this.#resultOf(index);
    const { target, windows: planned } = this.#job.plan;
    const { windows } = result;
    result.end = { target, reached: agreementOf(windows), windows: windows.length, planned, endedBy };
  }

  #tell(index: number, block: number, share: number): void {
    const { entries, plan, onWindow } = this.#job;
    const more = plan.maxWindows - plan.windows;
    const planned = more > 0 ? PLANNED_SHARE : 1;
    onWindow({
      entry: entryAt(entries, index),
      block: block + 1,
      blocks: block < plan.windows ? `${plan.windows}` : `up to ${plan.maxWindows}`,
      share:
        block < plan.windows
          ? (planned * (block + share)) / plan.windows
          : planned + ((1 - planned) * (block - plan.windows + share)) / more,
    });
  }

  async #measureOnce(index: number, block: number): Promise<void> {
    const result = this.#resultOf(index);
    await this.#inSlot(index, { warm: true }, async (slot) => {
      result.windows.push(await this.#window.take(entryAt(this.#job.entries, index), block, slot));
      const { pssMb } = await slot.runner.memory();
      if (pssMb !== null) result.pssMb = Math.max(result.pssMb ?? 0, pssMb);
    });
  }

  async #accuracy(index: number): Promise<void> {
    const { entries, accuracyOf } = this.#job;
    const entry = entryAt(entries, index);
    const result = this.#resultOf(index);
    if (typeof accuracyOf === "string") {
      result.accuracy = accuracyOf;
      return;
    }
    await this.#inSlot(index, { warm: false }, async ({ runner }) => {
      result.accuracy = await accuracyOf(entry, runner);
    });
  }

  /** In the entry's kept process, or in a fresh one. */
  async #inSlot(index: number, start: { warm: boolean }, work: (slot: Slot) => Promise<void>): Promise<void> {
    const kept = this.#kept.get(index);
    if (kept !== undefined) return work(kept);
    const slot = await this.#start(index, start);
    try {
      await work(slot);
    } finally {
      await slot.runner[Symbol.asyncDispose]();
    }
  }

  /** A fresh process with the model loaded, and warm unless it is for accuracy alone. */
  async #start(index: number, { warm }: { warm: boolean } = { warm: true }): Promise<Slot> {
    const { entries, plan } = this.#job;
    const entry = entryAt(entries, index);
    const place = { bench: this.#bench, context: this.#context };
    if (!warm) {
      const { runner } = await loadEntry({ path: entry.path, feeds: [] }, plan, place);
      return { runner, latencyMs: Number.NaN };
    }
    const { runner, loaded, warm: warmed } = await startWarm(entry, plan, place);
    const result = this.#resultOf(index);
    result.baselineMb = loaded.baselineMb;
    result.steady &&= warmed.steady;
    return { runner, latencyMs: warmed.medianMs };
  }

  #resultOf(index: number): MeasuredEntry {
    return entryAt(this.#results, index);
  }
}

function entryAt<T>(list: readonly T[], index: number): T {
  const found = list[index];
  if (found === undefined) throw new RangeError(`no entry ${index}`);
  return found;
}
