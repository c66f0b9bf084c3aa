import type { Clock } from "@edgewatt/runtime";
import type { SystemProbe } from "../device/system-state.ts";
import type { Measuring } from "../measure/measuring.ts";
import type { SupplyVoltage } from "../measure/supply-voltage.ts";
import type { PowerBlock } from "../sampler/messages.ts";
import type { MeterChannel } from "../sensors/meters.ts";
import { figure, type Columns } from "./batches/batcher.ts";
import type { Live } from "./live.ts";
import type { Telemetry } from "./telemetry.ts";
import { Tenths, type Tenth } from "./tenths.ts";

const SYSTEM_EVERY_MS = 1000;

export interface ObserverOptions {
  readonly telemetry: Telemetry;
  readonly live: Live;
  readonly measuring: Measuring;
  readonly supply: SupplyVoltage;
  readonly probe: SystemProbe;
  readonly clock: Clock;
  readonly clockSynchronized: () => boolean;
  /** The running job and its state. */
  readonly job: () => { job: string; state: string } | undefined;
}

/** Turns what is always watched, power and once a second the machine, into telemetry and into live values, ten of them a second. */
export class Observer {
  readonly #options: ObserverOptions;
  readonly #timer: Disposable;
  readonly #tenths = new Map<string, Tenths>();

  constructor(options: ObserverOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => this.#observeSystem(), SYSTEM_EVERY_MS);
  }

  power(channel: MeterChannel, block: PowerBlock): void {
    const { telemetry, measuring } = this.#options;
    const { tUs, ...figures } = block;
    const run = measuring.active ? Array.from(tUs, (t) => measuring.runAt(t) ?? null) : null;
    telemetry.recordBlock("power", channel.channel, { tUs, columns: { ...figures, source: channel.source, run } });
    let tenths = this.#tenths.get(channel.channel);
    if (tenths === undefined) this.#tenths.set(channel.channel, (tenths = new Tenths()));
    tenths.add(block, (tenth) => this.#tenth(channel, tenth));
  }

  stop(): void {
    this.#timer[Symbol.dispose]();
  }

  #tenth({ channel, source }: MeterChannel, tenth: Tenth): void {
    const { live, measuring, supply, clock } = this.#options;
    supply.add(channel, tenth);
    if (measuring.active) return;
    const { tUs, w, wMin, wMax, v, a } = tenth;
    const columns: Columns = { w: figure(w), wMin: figure(wMin), wMax: figure(wMax), v: figure(v), a: figure(a) };
    live.publish("power", channel, tUs + clock.nowUs() - clock.monotonicUs(), { ...columns, source });
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
