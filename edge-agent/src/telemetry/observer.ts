import type { Clock } from "@edgewatt/runtime";
import type { SystemProbe } from "../device/system-state.ts";
import type { Measuring } from "../measure/measuring.ts";
import type { PowerInterval } from "../sampler/messages.ts";
import type { MeterChannel } from "../sensors/meters.ts";
import type { Columns } from "./batcher.ts";
import type { Live } from "./live.ts";
import type { Telemetry } from "./telemetry.ts";

const SYSTEM_EVERY_MS = 1000;

export interface ObserverOptions {
  readonly telemetry: Telemetry;
  readonly live: Live;
  readonly measuring: Measuring;
  readonly probe: SystemProbe;
  readonly clock: Clock;
  readonly clockSynchronized: () => boolean;
  /** The running job and its state. */
  readonly job: () => { job: string; state: string } | undefined;
}

/** Turns what is always watched, power ten times and the machine once a second, into telemetry and live values. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #timer: Disposable;

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => this.#observeSystem(), SYSTEM_EVERY_MS);
  }

  /** A tenth of a second of power. */
  power({ channel, source }: MeterChannel, interval: PowerInterval): void {
    const { telemetry, live, measuring, clock } = this.#options;
    const { tUs, w, wMin, wMax, v, a } = interval;
    const columns: Columns = { w: figure(w), wMin: figure(wMin), wMax: figure(wMax), v: figure(v), a: figure(a) };
    telemetry.record("power", channel, tUs, { ...columns, source, run: measuring.runAt(tUs) ?? null });
    if (measuring.active) return;
    live.publish("power", channel, tUs + clock.nowUs() - clock.monotonicUs(), { ...columns, source });
  }

  stop(): void {
    this.#timer[Symbol.dispose]();
  }

  #observeSystem(): void {
    const { telemetry, live, measuring, probe, clock, clockSynchronized, job } = this.#options;
    const tUs = clock.monotonicUs();
    const system = probe.read();
    const running = job();
    telemetry.record("system", "system", tUs, system);
    telemetry.record("system", "device", tUs, {
      state: measuring.active ? "measuring" : "online",
      job: running?.job ?? "",
      jobState: running?.state ?? "",
      sync: clockSynchronized(),
    });
    if (!measuring.active) live.publish("system", "system", clock.nowUs(), system);
  }
}

/** Micro-units are finer than any meter here, and short in JSON. */
function figure(value: number): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(6)) : null;
}
