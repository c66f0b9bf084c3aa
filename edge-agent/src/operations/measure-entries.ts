import type { JobContext } from "../jobs/operation.ts";
import { measureStretch, type Stretch } from "../measure/energy.ts";
import type { TracedStretch, TracePhase } from "../measure/trace-file.ts";
import { blockOrders, type Plan } from "../measure/plan.ts";
import type { MeasuredWindow } from "../measure/window-figures.ts";
import type { Accuracy, WindowResult } from "../runner/messages.ts";
import { Runner } from "../runner/runner.ts";
import type { PreparedEntry } from "./entries.ts";
import type { RowTraces } from "./row-traces.ts";
import type { Workbench } from "./workbench.ts";

/** Seconds of raw readings to keep besides a window and its idle stretch. */
const SPARE_TRACE_S = 60;
/** How much longer than expected a strict window may stay silent before presence calls the device stale. */
const SILENCE_SPARE_S = 5;

/** What measuring one entry gave. */
export interface MeasuredEntry {
  readonly windows: MeasuredWindow[];
  baselineMb: number;
  /** Whether every warm-up became steady before its cap. */
  steady: boolean;
  accuracy: Accuracy | string;
}

interface Slot {
  readonly runner: Runner;
  readonly latencyMs: number;
}

export interface MeasuringJob {
  readonly entries: readonly PreparedEntry[];
  readonly plan: Plan;
  /** Measures accuracy in a runner whose windows are done; a string says why there is none. */
  readonly accuracyOf: (entry: PreparedEntry, runner: Runner) => Promise<Accuracy | string>;
  readonly onWindow: (done: number, total: number, entry: PreparedEntry) => void;
  /** Keeps the raw readings. */
  readonly traces?: RowTraces;
}

/** A stretch of time with its power; what is `undefined` is not known. */
interface Metered {
  readonly stretch: Stretch | undefined;
  readonly traced: Omit<TracedStretch, "window" | "phase"> | undefined;
}

/** Measures all entries in randomised complete blocks, one window of each per block. */
export class EntryMeasurement {
  readonly #job: MeasuringJob;
  readonly #bench: Workbench;
  readonly #context: JobContext;
  readonly #results: MeasuredEntry[];
  readonly #kept = new Map<number, Slot>();
  #lastIdle: Metered | undefined;

  constructor(job: MeasuringJob, bench: Workbench, context: JobContext) {
    this.#job = job;
    this.#bench = bench;
    this.#context = context;
    this.#results = job.entries.map(() => ({
      windows: [],
      baselineMb: Number.NaN,
      steady: true,
      accuracy: "not measured",
    }));
  }

  async run(): Promise<readonly MeasuredEntry[]> {
    const { entries, plan, onWindow, accuracyOf } = this.#job;
    const total = plan.windows * entries.length;
    let done = 0;
    try {
      if (plan.keepRunners) {
        for (const index of entries.keys()) this.#kept.set(index, await this.#start(index));
      }
      for (const [block, order] of blockOrders(entries.length, plan.windows, plan.seed).entries()) {
        for (const index of order) {
          const entry = entryAt(entries, index);
          onWindow(done, total, entry);
          await this.#measureOnce(index, block);
          done += 1;
        }
      }
      for (const [index, { runner }] of this.#kept) {
        this.#resultOf(index).accuracy = await accuracyOf(entryAt(entries, index), runner);
      }
      return this.#results;
    } finally {
      this.#bench.measuring.end();
      for (const { runner } of this.#kept.values()) await runner[Symbol.asyncDispose]();
    }
  }

  async #measureOnce(index: number, block: number): Promise<void> {
    const { entries, plan, accuracyOf } = this.#job;
    const kept = this.#kept.get(index);
    const slot = kept ?? (await this.#start(index));
    try {
      await this.#window(index, block, slot);
      if (kept === undefined && block === plan.windows - 1) {
        this.#resultOf(index).accuracy = await accuracyOf(entryAt(entries, index), slot.runner);
      }
    } finally {
      if (kept === undefined) await slot.runner[Symbol.asyncDispose]();
    }
  }

  /** A fresh process with the model loaded and warm. */
  async #start(index: number): Promise<Slot> {
    const { entries, plan } = this.#job;
    const entry = entryAt(entries, index);
    const { cores } = this.#bench;
    const { runner, loaded } = await Runner.load(
      { modelPath: entry.path, threads: plan.threads, spinning: plan.spinning },
      { cores: cores.runner, signal: this.#context.signal },
    );
    try {
      if (entry.feeds.length > 0) await runner.setInputs(entry.feeds);
      const warm = await runner.warmUp(plan.warmUp);
      const result = this.#resultOf(index);
      result.baselineMb = loaded.baselineMb;
      result.steady &&= warm.steady;
      return { runner, latencyMs: warm.medianMs };
    } catch (error) {
      await runner[Symbol.asyncDispose]();
      throw error;
    }
  }

  async #window(index: number, block: number, { runner, latencyMs }: Slot): Promise<void> {
    const { plan } = this.#job;
    const { power, sampler, measuring, probe, clock, telemetry } = this.#bench;
    const entry = entryAt(this.#job.entries, index);
    const expectedS = Math.max(plan.windowS, (plan.minRuns * latencyMs) / 1000);
    sampler.setRate({ rate: "full", keepS: 2 * expectedS + plan.idleS + SPARE_TRACE_S });
    const before = (plan.keepRunners ? this.#lastIdle : undefined) ?? (await this.#idle());

    const machineBefore = probe.snapshot();
    if (plan.strict) measuring.beSilent(telemetry.toEpochMs(clock.monotonicUs() + (expectedS + SILENCE_SPARE_S) * 1e6));
    const run = await runner.window({ windowS: plan.windowS, minRuns: plan.minRuns, leadInRuns: plan.leadInRuns }, () =>
      measuring.begin(entry.run, clock.monotonicUs()),
    );
    measuring.end();
    // Now, so that the work of sending falls into what is left out between the window and the idle stretch, and so that a
    // sampler that dies in that stretch does not take the window with it.
    this.#record(entry, block, run);
    const metering = this.#meter(run.t0Us, run.t1Us);
    const after = await this.#idle();
    this.#lastIdle = after;

    const window = await metering;
    this.#resultOf(index).windows.push({
      block,
      run,
      power: window.stretch,
      idleBefore: before.stretch,
      idleAfter: after.stretch,
      faults: sampler.faultsBetween(power.channel, run.t0Us, run.t1Us),
      periodUs: 1e6 / sampler.channel(power.channel).rateHz,
      machine: { before: machineBefore, after: probe.snapshot() },
    });
    const phases: [TracePhase, Metered][] = [
      ["idle-before", before],
      ["window", window],
      ["idle-after", after],
    ];
    await this.#job.traces?.add(
      index,
      phases.flatMap(([phase, { traced }]) => (traced === undefined ? [] : [{ window: block, phase, ...traced }])),
    );
  }

  /** Nothing runs, the runners are alive: what the board draws without the model. */
  async #idle(): Promise<Metered> {
    const { clock } = this.#bench;
    const { signal } = this.#context;
    const { rollS, idleS } = this.#job.plan;
    await clock.sleep(rollS * 1000, signal);
    const fromUs = clock.monotonicUs();
    await clock.sleep(idleS * 1000, signal);
    return this.#meter(fromUs, clock.monotonicUs());
  }

  async #meter(fromUs: number, toUs: number): Promise<Metered> {
    const { power, sampler, supply } = this.#bench;
    const trace = await sampler.trace(power.channel, fromUs, toUs);
    if (trace === undefined) return { stretch: undefined, traced: undefined };
    const periodUs = 1e6 / sampler.channel(power.channel).rateHz;
    const volts = supply.mean(power.channel, fromUs, toUs);
    return {
      stretch: measureStretch(trace, fromUs, toUs, { periodUs, volts }),
      traced: { fromUs, toUs, trace },
    };
  }

  /** Telemetry of a window, after it. */
  #record({ model, precision, run }: PreparedEntry, block: number, window: WindowResult): void {
    const { telemetry } = this.#bench;
    const { plan } = this.#job;
    const key = `inference/${model.name}/${precision}`;
    const constants = { model: model.name, precision, run };
    window.startsUs.forEach((tUs, i) => {
      const latencyMs = Number((window.latenciesMs[i] ?? 0).toFixed(4));
      telemetry.record("inference", key, tUs, { ...constants, latencyMs });
    });
    telemetry.record("event", "run_event", window.t0Us, {
      kind: "window",
      title: `${model.name} ${precision}`,
      text: `window ${block + 1} of ${plan.windows}: ${window.latenciesMs.length} inferences`,
      tags: `window,${model.name},${precision}`,
      timeEnd: telemetry.toEpochMs(window.t1Us),
      run,
    });
    telemetry.flush();
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
