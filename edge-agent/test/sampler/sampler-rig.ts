import path from "node:path";
import { createLogger, systemClock } from "@edgewatt/runtime";
import {
  createSimulatedBus,
  eventually,
  tempDir,
  type SimulatedBus,
  type SimulatedBusOptions,
} from "@edgewatt/testing";
import { measureStretch, type Trace } from "../../src/measure/energy.ts";
import type { Tenth } from "../../src/telemetry/tenths.ts";
import { Sampler } from "../../src/sampler/sampler.ts";
import { driverOf, type SourceId } from "../../src/sensors/index.ts";

/** What only a hang reaches on a machine that others use too. */
const PATIENCE = { timeoutMs: 45_000 };

/** A meter of the sampler: the settings that its driver knows, defaults for the rest. */
export interface RigMeter {
  readonly name?: string;
  readonly source: SourceId;
  readonly config: Readonly<Record<string, unknown>>;
}

/** Energy as it was measured beside what really flowed, over the same time. */
export interface Compared {
  readonly trace: Trace;
  readonly seconds: number;
  readonly joules: number;
  readonly trueJoules: number;
  /** Raw readings in that time. */
  readonly samples: number;
  /** `joules` ÷ `trueJoules` − 1. */
  readonly error: number;
}

/** The parts of a trace in which neighbouring readings are no further apart than `gapUs`, as pairs of times. */
function undisturbed({ tUs }: Trace, gapUs: number): [number, number][] {
  const parts: [number, number][] = [];
  let first = tUs[0] ?? 0;
  let last = first;
  for (const t of tUs.subarray(1)) {
    if (t - last > gapUs) {
      parts.push([first, last]);
      first = t;
    }
    last = t;
  }
  parts.push([first, last]);
  return parts.filter(([from, to]) => to > from);
}

/** The agent's sampler child with the real i2c-bus addon on simulated chips. */
export class SamplerRig implements AsyncDisposable {
  readonly bus: SimulatedBus;
  readonly sampler: Sampler;
  readonly #intervals = new Map<string, Tenth[]>();
  readonly #dispose: () => PromiseLike<void>;

  private constructor(
    bus: SimulatedBus,
    meters: readonly RigMeter[],
    telemetryHz: number,
    dispose: () => PromiseLike<void>,
  ) {
    this.bus = bus;
    this.#dispose = dispose;
    this.sampler = new Sampler({
      start: {
        meters: meters.map(({ name = "main", source, config }) => ({
          name,
          source,
          config: driverOf(source).config.parse({ bus: bus.bus, ...config }),
        })),
        root: "",
      },
      cores: undefined,
      log: createLogger({ name: "test", level: "silent" }),
      clock: systemClock,
      env: { ...bus.env },
      telemetryHz,
      onIntervals: ({ channel }, { tUs, w, wMin, wMax, v, a }) => {
        for (let i = 0; i < tUs.length; i++) {
          const at = (column: Float64Array) => column[i] ?? Number.NaN;
          this.intervals(channel).push({
            tUs: at(tUs),
            w: at(w),
            wMin: at(wMin),
            wMax: at(wMax),
            v: at(v),
            a: at(a),
          });
        }
      },
      onChange: () => {},
    });
  }

  static async start(options: SimulatedBusOptions, meters: readonly RigMeter[], telemetryHz = 10): Promise<SamplerRig> {
    const dir = await tempDir();
    const bus = await createSimulatedBus(path.join(dir.path, "bus"), options);
    return new SamplerRig(bus, meters, telemetryHz, () => dir[Symbol.asyncDispose]());
  }

  /** All tenths of a second that a channel has told. */
  intervals(channel = "main"): Tenth[] {
    const found = this.#intervals.get(channel) ?? [];
    this.#intervals.set(channel, found);
    return found;
  }

  /** The next tenths of a second of a channel that lie wholly after now. */
  async next(count: number, channel = "main"): Promise<readonly Tenth[]> {
    const fromUs = systemClock.monotonicUs() + 100_000;
    return eventually(() => {
      const later = this.intervals(channel).filter(({ tUs }) => tUs > fromUs);
      if (later.length < count) throw new RangeError(`${later.length} of ${count} intervals: ${this.fault(channel)}`);
      return later.slice(0, count);
    }, PATIENCE);
  }

  fault(channel = "main"): string | undefined {
    return this.sampler.channel(channel).fault;
  }

  /** Waits until a fault was told, which may be over by now. */
  async hadFault(code: string, channel = "main"): Promise<void> {
    await eventually(() => {
      const told = this.sampler.faultsBetween(channel, 0, systemClock.monotonicUs());
      if (!told.includes(code)) throw new RangeError(`no fault ${code} but ${told.join(", ")}: ${this.fault(channel)}`);
    }, PATIENCE);
  }

  /** Waits for a fault that stands: its code is told and its message matches. */
  async faulty(code: string, message: RegExp, channel = "main"): Promise<void> {
    await this.hadFault(code, channel);
    await eventually(() => {
      const fault = this.fault(channel);
      if (fault === undefined || !message.test(fault)) throw new RangeError(`another fault: ${fault}`);
    }, PATIENCE);
  }

  /** Waits until the channel gives readings without a fault. */
  async healthy(channel = "main"): Promise<readonly Tenth[]> {
    const intervals = await this.next(2, channel);
    const fault = this.fault(channel);
    if (fault !== undefined) throw new RangeError(fault);
    return intervals;
  }

  /**
   * Measures for `seconds` at full rate and compares with the truth wherever the machine let the sampler run: between
   * readings no further apart than `gapUs`. Measures again when that was less than half of the time.
   */
  async compare(
    seconds: number,
    { address, gapUs, channel = "main", load = 0 }: { address: number; gapUs: number; channel?: string; load?: number },
  ): Promise<Compared> {
    this.sampler.setRate({ rate: "full", keepS: 0 });
    return eventually(async () => {
      await systemClock.sleep(200);
      const fromUs = systemClock.monotonicUs();
      await systemClock.sleep(seconds * 1000);
      const trace = await this.sampler.trace(channel, fromUs, fromUs + seconds * 1e6);
      if (trace === undefined) throw new RangeError(`no trace: ${this.fault(channel)}`);
      const sum = { seconds: 0, joules: 0, trueJoules: 0, samples: 0 };
      for (const [a, b] of undisturbed(trace, gapUs)) {
        const stretch = measureStretch(trace, a, b);
        if (stretch === undefined) throw new RangeError("a part of the trace lies outside of it");
        sum.seconds += stretch.seconds;
        sum.joules += stretch.joules;
        sum.samples += stretch.samples;
        sum.trueJoules += this.bus.energyBetween(address, a, b, load);
      }
      if (sum.seconds < seconds / 2) throw new RangeError(`disturbed: only ${sum.seconds} s of ${seconds} s`);
      return { trace, ...sum, error: sum.joules / sum.trueJoules - 1 };
    }, PATIENCE);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.sampler.stop();
    await this.#dispose();
  }
}
