import { counted } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import { CoolDown } from "../measure/cool-down.ts";
import { measureStretch, type Stretch } from "../measure/energy.ts";
import { START_TEMPERATURE_C } from "../measure/flags/machine.ts";
import type { Plan } from "../measure/plan.ts";
import type { TracedStretch, TracePhase } from "../measure/trace-file.ts";
import type { MeasuredWindow } from "../measure/window-figures.ts";
import type { WindowResult } from "../runner/messages.ts";
import type { Runner } from "../runner/runner.ts";
import type { PreparedEntry } from "./entries.ts";
import type { RowTraces } from "./row-traces.ts";
import type { Workbench } from "./workbench.ts";

/** Seconds of raw readings to keep besides a window and its idle stretch. */
const SPARE_TRACE_S = 60;
/** How much longer than expected a strict stretch may stay silent before presence calls the device stale. */
const SILENCE_SPARE_S = 5;

/** A process with its model loaded and warm. */
export interface Slot {
  readonly runner: Runner;
  /** What a run takes, by the warm-up. */
  readonly latencyMs: number;
}

/** A stretch of time with its power; what is `undefined` is not known. */
interface Metered {
  readonly stretch: Stretch | undefined;
  readonly traced: Omit<TracedStretch, "window" | "phase"> | undefined;
  /** Codes of meter faults inside. */
  readonly faults: readonly string[];
}

/** Measures windows one after the other: idle stretches around each, the machine's state at its edges, its power. */
export class WindowMeasurement {
  readonly #plan: Plan;
  readonly #bench: Workbench;
  readonly #context: JobContext;
  readonly #coolDown: CoolDown;
  readonly #traces: RowTraces | undefined;
  /** The idle stretch after the window before this one, and whose window that was. */
  #lastIdle: { readonly of: Runner; readonly metered: Metered } | undefined;

  /** @param traces keeps the raw readings */
  constructor(plan: Plan, bench: Workbench, context: JobContext, traces: RowTraces | undefined) {
    this.#plan = plan;
    this.#bench = bench;
    this.#context = context;
    this.#traces = traces;
    this.#coolDown = new CoolDown({
      limitS: plan.coolDownS,
      toleranceC: START_TEMPERATURE_C,
      readC: () => bench.probe.temperatureC(),
      sleep: (ms) => bench.clock.sleep(ms, context.signal),
    });
  }

  async take(entry: PreparedEntry, block: number, { runner, latencyMs }: Slot): Promise<MeasuredWindow> {
    const plan = this.#plan;
    const { sampler, measuring, probe, clock } = this.#bench;
    const expectedS = Math.max(plan.windowS, (plan.minRuns * latencyMs) / 1000);
    sampler.setRate({ rate: "full", keepS: 2 * expectedS + plan.idleS + SPARE_TRACE_S });
    const before = await this.#idleBefore(runner, expectedS);
    if (!measuring.active) await this.#beQuiet(expectedS);

    const machineBefore = probe.snapshot(this.#processes(runner));
    const run = await runner.window({ windowS: plan.windowS, minRuns: plan.minRuns, leadInRuns: plan.leadInRuns }, () =>
      measuring.begin(entry.run, clock.monotonicUs()),
    );
    measuring.end();
    const machineAfter = probe.snapshot(this.#processes(runner));
    // Now, so that the work of sending falls into what is left out between the window and the idle stretch, and so that a
    // sampler that dies in that stretch does not take the window with it.
    this.#record(entry, block, run);
    const metering = this.#meter(run.t0Us, run.t1Us);
    const after = await this.#idle();
    this.#lastIdle = { of: runner, metered: after };

    const window = await metering;
    await this.#keep(entry, block, [
      ["idle-before", before],
      ["window", window],
      ["idle-after", after],
    ]);
    return {
      block,
      run,
      power: window.stretch,
      idleBefore: before.stretch,
      idleAfter: after.stretch,
      faults: window.faults,
      idleFaults: [...new Set([...before.faults, ...after.faults])],
      periodUs: this.#periodUs(),
      machine: { before: machineBefore, after: machineAfter },
    };
  }

  /**
   * Between two windows of the same runner one idle stretch serves both, unless the meter missed it, which must not cost the window after
   * it too; another runner has its own, after it has cooled down.
   */
  async #idleBefore(runner: Runner, windowS: number): Promise<Metered> {
    const { of, metered } = this.#lastIdle ?? {};
    if (of === runner && metered?.stretch !== undefined) return metered;
    await this.#coolDown.wait();
    return this.#idle(windowS);
  }

  /**
   * Nothing runs, the runners are alive, and the agent sends what it sends in a window: what the board draws without the model.
   * @param windowS length of a window that follows at once, for which the agent stays quiet
   */
  async #idle(windowS = 0): Promise<Metered> {
    const { clock, measuring } = this.#bench;
    const { signal } = this.#context;
    const { rollS, idleS } = this.#plan;
    // What a window before has left to send.
    await clock.sleep((rollS / 2) * 1000, signal);
    await this.#beQuiet(idleS + windowS);
    const fromUs = clock.monotonicUs();
    await clock.sleep(idleS * 1000, signal);
    const toUs = clock.monotonicUs();
    if (windowS === 0) measuring.end();
    return this.#meter(fromUs, toUs);
  }

  /** Ends when what quietness itself sends has gone out. */
  async #beQuiet(expectedS: number): Promise<void> {
    const { measuring, telemetry, clock } = this.#bench;
    const untilMs = telemetry.toEpochMs(clock.monotonicUs() + (expectedS + SILENCE_SPARE_S) * 1e6);
    measuring.beQuiet(this.#plan.strict ? untilMs : undefined);
    await clock.sleep((this.#plan.rollS / 2) * 1000, this.#context.signal);
  }

  async #meter(fromUs: number, toUs: number): Promise<Metered> {
    const { power, sampler, supply } = this.#bench;
    const trace = await sampler.trace(power.channel, fromUs, toUs);
    // The sampler has told them by now, since it answers in order.
    const faults = sampler.faultsBetween(power.channel, fromUs, toUs);
    if (trace === undefined) return { stretch: undefined, traced: undefined, faults };
    const volts = supply.mean(power.channel, fromUs, toUs);
    const stretch = measureStretch(trace, fromUs, toUs, { volts, periodUs: this.#periodUs() });
    return { stretch, traced: { fromUs, toUs, trace }, faults };
  }

  #periodUs(): number {
    const { power, sampler } = this.#bench;
    return 1e6 / sampler.channel(power.channel).rateHz;
  }

  /** After the last stretch of a window and before anything else, so that writing falls into no stretch that is measured. */
  async #keep(entry: PreparedEntry, block: number, phases: readonly [TracePhase, Metered][]): Promise<void> {
    const stretches = phases.flatMap(([phase, { traced }]) =>
      traced === undefined ? [] : { window: block, phase, ...traced },
    );
    await this.#traces?.add(entry, stretches);
  }

  /** What is not foreign: the agent, the sampler and the runner. */
  #processes(runner: Runner): number[] {
    return [process.pid, this.#bench.sampler.pid, runner.pid].filter((pid) => pid !== undefined);
  }

  /** Telemetry of a window, after it. */
  #record({ model, precision, run }: PreparedEntry, block: number, window: WindowResult): void {
    const { telemetry } = this.#bench;
    const { batch } = this.#plan;
    const key = `inference/${model.name}/${precision}`;
    const constants = { model: model.name, precision, run };
    window.startsUs.forEach((tUs, i) => {
      const latencyMs = Number(((window.latenciesMs[i] ?? 0) / batch).toFixed(4));
      telemetry.record("inference", key, tUs, { ...constants, latencyMs });
    });
    const images = batch === 1 ? "" : ` of ${batch} images`;
    telemetry.record("event", "run_event", window.t0Us, {
      kind: "window",
      title: `${model.name} ${precision}`,
      text: `window ${block + 1}: ${counted(window.latenciesMs.length, "inference")}${images}`,
      tags: `window,${model.name},${precision}`,
      timeEnd: telemetry.toEpochMs(window.t1Us),
      run,
    });
    telemetry.flush();
  }
}
