import type { Clock, Logger } from "@edgewatt/runtime";
import type { Trace } from "../measure/energy.ts";
import { forkChild, type Child } from "../process/child.ts";
import type { SensorSettings } from "../sensors/sensor.ts";
import type { FromSampler, PowerInterval, SamplerStart, ToSampler } from "./messages.ts";

const SCRIPT = new URL("../../dist/sampler/child.js", import.meta.url);
const RESTART_MS = [200, 1000, 5000, 30_000] as const;
const TRACE_TIMEOUT_MS = 5000;
const KEPT_FAULTS = 1000;

/** What is known of the meter now. */
export interface MeterState {
  readonly settings: SensorSettings;
  readonly rateHz: number;
  /** Why it gives no readings, in one line that says what to do. */
  readonly fault: string | undefined;
}

export interface SamplerOptions {
  readonly start: SamplerStart;
  readonly cores: readonly number[] | undefined;
  readonly log: Logger;
  readonly clock: Clock;
  readonly env?: NodeJS.ProcessEnv;
  readonly onInterval: (interval: PowerInterval) => void;
  /** The meter was opened, lost or found again. */
  readonly onChange: (state: MeterState) => void;
}

interface Fault {
  readonly tUs: number;
  readonly code: string;
}

/** The sampler child, kept alive: it reads the meter for as long as the agent runs. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #traces = new Map<number, (trace: Trace | undefined) => void>();
  readonly #faults: Fault[] = [];
  #child: Child<FromSampler, ToSampler> | undefined;
  #state: MeterState = { settings: {}, rateHz: 10, fault: "the meter is being opened" };
  #rate: Extract<ToSampler, { type: "rate" }> = { type: "rate", full: false, keepS: 0 };
  #traceId = 0;
  #restarts = 0;
  #restartTimer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#fork();
  }

  /** The child's process; `undefined` while it is down. */
  get pid(): number | undefined {
    return this.#child?.pid;
  }

  get state(): MeterState {
    return this.#state;
  }

  /** Full rate and how far back raw readings are kept, for a job; 10 Hz outside. */
  setRate(rate: { full: boolean; keepS: number }): void {
    this.#rate = { type: "rate", ...rate };
    this.#child?.send(this.#rate);
  }

  /** Raw readings around [fromUs, toUs], one beyond each edge when there is one; `undefined` when the sampler is down. */
  trace(fromUs: number, toUs: number): Promise<Trace | undefined> {
    const child = this.#child;
    if (child === undefined) return Promise.resolve(undefined);
    const id = ++this.#traceId;
    return new Promise((resolve) => {
      const timer = setTimeout(() => settle(undefined), TRACE_TIMEOUT_MS);
      const settle = (trace: Trace | undefined) => {
        clearTimeout(timer);
        this.#traces.delete(id);
        resolve(trace);
      };
      this.#traces.set(id, settle);
      child.send({ type: "trace", id, fromUs, toUs });
    });
  }

  /** Codes of the faults between two moments, each once. */
  faultsBetween(fromUs: number, toUs: number): string[] {
    const inside = this.#faults.filter((fault) => fault.tUs >= fromUs && fault.tUs <= toUs);
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
    if (error !== undefined) this.#restart(error.message);
  }

  #restart(message: string): void {
    const { clock, log } = this.#options;
    this.#child = undefined;
    for (const settle of this.#traces.values()) settle(undefined);
    this.#fault({ tUs: clock.monotonicUs(), code: "sampler-died", message });
    if (this.#stopped) return;
    const delayMs = RESTART_MS[Math.min(this.#restarts, RESTART_MS.length - 1)] ?? 0;
    this.#restarts += 1;
    log.warn({ reason: message, delayMs }, "the sampler ended; starting it again");
    this.#restartTimer = setTimeout(() => this.#fork(), delayMs);
  }

  #receive(message: FromSampler): void {
    switch (message.type) {
      case "opened":
        this.#setState({ settings: message.settings, rateHz: message.rateHz, fault: undefined });
        break;
      case "fault":
        this.#fault(message);
        break;
      case "interval":
        this.#restarts = 0;
        if (this.#state.fault !== undefined) this.#setState({ ...this.#state, fault: undefined });
        this.#options.onInterval(message.interval);
        break;
      case "trace":
        this.#traces.get(message.id)?.(message);
        break;
    }
  }

  #fault({ tUs, code, message }: { tUs: number; code: string; message: string }): void {
    this.#faults.push({ tUs, code });
    if (this.#faults.length > KEPT_FAULTS) this.#faults.shift();
    if (this.#state.fault === message) return;
    this.#options.log.warn({ code, reason: message }, "power cannot be read");
    this.#setState({ ...this.#state, fault: message });
  }

  #setState(state: MeterState): void {
    this.#state = state;
    this.#options.onChange(state);
  }
}
