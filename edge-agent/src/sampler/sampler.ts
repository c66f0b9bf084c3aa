import type { Clock, Logger } from "@edgewatt/runtime";
import type { Trace } from "../measure/energy.ts";
import { forkChild, type Child } from "../process/child.ts";
import { channelsOf, type MeterChannel } from "../sensors/meters.ts";
import type { SensorChannel } from "../sensors/sensor.ts";
import type { SampledFault } from "./fault.ts";
import type { FromSampler, PowerBlock, SamplerStart, SamplingRate, ToSampler } from "./messages.ts";
import { IDLE_RATE_HZ, JOB_MEANS_HZ } from "./rates.ts";
import type { ReadingCounts } from "./reading-counts.ts";

const SCRIPT = new URL("../../dist/sampler/child.js", import.meta.url);
/** Of `node:wasi`, through which the child reads the clock: it belongs into no message of a child that failed. */
const NODE_OPTIONS = ["--disable-warning=ExperimentalWarning"];
const RESTART_MS = [200, 1000, 5000, 30_000] as const;
/** A trace is answered within so long, or so many periods of a slow meter. */
const TRACE_TIMEOUT_MS = 5000;
const TRACE_TIMEOUT_PERIODS = 3;
const KEPT_FAULTS = 10_000;
/** Announced until a meter has said what it can do. */
const UNKNOWN_RATE_HZ = 10;

/** What is known of a channel now. */
export interface ChannelState extends MeterChannel {
  readonly rateHz: number;
  readonly accumulates: boolean;
  /** `undefined` until the meter has been opened once. */
  readonly described: SensorChannel | undefined;
  /** Nothing was heard of the meter yet. */
  readonly isOpening: boolean;
  /** Why it gives no readings, in one line that says what to do. */
  readonly fault: string | undefined;
}

export interface SamplerOptions {
  readonly start: SamplerStart;
  readonly cores: readonly number[] | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly env?: NodeJS.ProcessEnv;
  /** Intervals of telemetry in a second outside jobs. */
  readonly telemetryHz: number;
  /** Some ten times a second for each channel. */
  readonly onIntervals: (channel: ChannelState, block: PowerBlock) => void;
  /** A meter was opened, lost or found again. */
  readonly onChange: () => void;
  /** Adds up how readings come and which faults there are. */
  readonly counts?: ReadingCounts;
}

interface Fault {
  readonly tUs: number;
  readonly code: string;
  readonly scope: FaultScope;
}

/** Whom a fault concerns: without a channel all of the meter, without a meter all of the sampler. */
interface FaultScope {
  readonly meter?: string | undefined;
  readonly channel?: string | undefined;
}

function concerns(scope: FaultScope, { meter, channel }: MeterChannel): boolean {
  return (scope.meter ?? meter) === meter && (scope.channel ?? channel) === channel;
}

/** The sampler child, kept alive: it reads the meters for as long as the agent runs. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #traces = new Map<number, (trace: Trace | undefined) => void>();
  readonly #faults: Fault[] = [];
  #child: Child<FromSampler, ToSampler> | undefined;
  readonly #channels: Map<string, ChannelState>;
  #rate: Extract<ToSampler, { type: "rate" }>;
  #traceId = 0;
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#rate = idle(options.telemetryHz);
    this.#channels = new Map(
      options.start.meters.flatMap(channelsOf).map((channel) => [
        channel.channel,
        {
          ...channel,
          rateHz: UNKNOWN_RATE_HZ,
          accumulates: false,
          described: undefined,
          isOpening: true,
          fault: "the meter is being opened",
        },
      ]),
    );
    this.#fork();
  }

  /** The child's process; `undefined` while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get channels(): readonly ChannelState[] {
    return [...this.#channels.values()];
  }

  /** @throws {RangeError} when no meter has such a channel */
  channel(name: string): ChannelState {
    const found = this.#channels.get(name);
    if (found === undefined) throw new RangeError(`no power channel ${name}`);
    return found;
  }

  /**
   * How fast meters are read and how far back raw readings are kept, for a job, in which telemetry has its usual ten rows a second;
   * `idle` outside.
   */
  setRate(rate: "idle" | { rate: SamplingRate; keepS: number }): void {
    this.#rate = rate === "idle" ? idle(this.#options.telemetryHz) : { type: "rate", meansHz: JOB_MEANS_HZ, ...rate };
    this.#child?.send(this.#rate);
  }

  /**
   * Raw readings of a channel around [fromUs, toUs], one beyond each edge when there is one; `undefined` when the sampler is
   * down.
   */
  trace(channel: string, fromUs: number, toUs: number): Promise<Trace | undefined> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve(undefined);
    const id = ++this.#traceId;
    const timeoutMs = Math.max(TRACE_TIMEOUT_MS, (TRACE_TIMEOUT_PERIODS * 1000) / this.channel(channel).rateHz);
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), timeoutMs);
      const settle = (trace: Trace | undefined) => {
        clearTimeout(timer);
        this.#traces.delete(id);
        resolve(trace);
      };
      this.#traces.set(id, settle);
      child.send({ type: "trace", id, channel, fromUs, toUs });
    });
  }

  /** Codes of the faults of a channel and of its whole meter between two moments, each once. */
  faultsBetween(channel: string, fromUs: number, toUs: number): string[] {
    const state = this.channel(channel);
    const inside = this.#faults.filter(({ scope, tUs }) => concerns(scope, state) && tUs >= fromUs && tUs <= toUs);
    return [...new Set(inside.map((fault) => fault.code))];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    clearTimeout(this.#restartTimer);
    await this.#child?.kill();
  }

  #fork(): void {
    const { start, cores, env } = this.#options;
    const child = forkChild<FromSampler, ToSampler>({
      name: "sampler",
      script: SCRIPT,
      args: [JSON.stringify(start)],
      nodeOptions: NODE_OPTIONS,
      cores,
      ...(env === undefined ? {} : { env }),
    });
    this.#child = child;
    child.onMessage((message) => this.#receive(message));
    child.send(this.#rate);
    void this.#watch(child);
  }

  async #watch(child: Child<FromSampler, ToSampler>): Promise<void> {
    const error = await child.ended;
    if (error === undefined) return;
    this.#options.counts?.fault("sampler-died");
    this.#restart(error.message);
  }

  #restart(message: string): void {
    const { clock, log } = this.#options;
    this.#child = undefined;
    for (const settle of this.#traces.values()) settle(undefined);
    this.#fault({ tUs: clock.monotonicUs(), code: "sampler-died", message }, {});
    if (this.#stopped) return;
    const delayMs = RESTART_MS[Math.min(this.#restarts, RESTART_MS.length - 1)] ?? 0;
    this.#restarts += 1;
    log.warn({ reason: message, delayMs }, "the sampler ended; starting it again");
    this.#restartTimer = setTimeout(() => this.#fork(), delayMs);
  }

  #receive(message: FromSampler): void {
    if (message.type === "fault") this.#options.counts?.fault(message.code);
    switch (message.type) {
      case "opened": {
        const { meter, rateHz, accumulates, channels } = message;
        for (const [i, state] of this.#concerned({ meter }).entries()) {
          this.#update(state, { rateHz, accumulates, described: channels[i], fault: undefined });
        }
        this.#options.onChange();
        break;
      }
      case "fault":
        this.#fault(message, message);
        break;
      case "intervals": {
        this.#restarts = 0;
        const state = this.channel(message.channel);
        if (state.fault !== undefined) {
          this.#update(state, { fault: undefined });
          this.#options.onChange();
        }
        this.#options.onIntervals(this.channel(message.channel), message.block);
        break;
      }
      case "trace":
        this.#traces.get(message.id)?.(message);
        break;
      case "readings":
        this.#options.counts?.add(message.channel, message.report);
        break;
    }
  }

  #concerned(scope: FaultScope): ChannelState[] {
    return this.channels.filter((state) => concerns(scope, state));
  }

  #fault({ tUs, code, message }: SampledFault, { meter, channel }: FaultScope): void {
    const scope = { meter, channel };
    this.#faults.push({ tUs, code, scope });
    if (this.#faults.length > KEPT_FAULTS) this.#faults.shift();
    const news = this.#concerned(scope).filter((state) => state.fault !== message);
    if (news.length === 0) return;
    this.#options.log.warn({ code, ...scope, reason: message }, "power cannot be read");
    for (const state of news) this.#update(state, { fault: message });
    this.#options.onChange();
  }

  #update(state: ChannelState, change: Partial<ChannelState>): void {
    this.#channels.set(state.channel, { ...state, ...change, isOpening: false });
  }
}

function idle(telemetryHz: number): Extract<ToSampler, { type: "rate" }> {
  return { type: "rate", rate: Math.max(IDLE_RATE_HZ, telemetryHz), keepS: 0, meansHz: telemetryHz };
}
