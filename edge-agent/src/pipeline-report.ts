import { MEASUREMENTS } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";
import type { Measuring } from "./measure/measuring.ts";
import type { Live } from "./telemetry/live.ts";
import type { Telemetry } from "./telemetry/telemetry.ts";

const LIVE_EVERY_MS = 1000;
const TELEMETRY_EVERY_MS = 10_000;

/** What an agent counts of its telemetry since it started, as `PipelineFigures` of the protocol. */
export interface AgentPipeline {
  readonly points: number;
  readonly acks: number;
  readonly batches: number;
  readonly spoolBatches: number;
  readonly spoolBytes: number;
  readonly spoolCapBytes: number;
  readonly spoolAgeS: number;
  readonly spoolFault: string;
  readonly dropped: number;
}

export interface PipelineReportOptions {
  readonly device: string;
  readonly figures: () => AgentPipeline;
  readonly telemetry: Pick<Telemetry, "record">;
  readonly live: Pick<Live, "publish">;
  readonly measuring: Pick<Measuring, "active">;
  readonly clock: Clock;
}

/**
 * Tells how telemetry gets on: once a second to whoever listens now (`doctor`), outside measured windows, and every ten seconds, as
 * every service does, into the database.
 */
export class PipelineReport {
  readonly #options: PipelineReportOptions;
  readonly #timers: readonly Disposable[];
  #reported = { points: 0, acks: 0, batches: 0, dropped: 0 };

  constructor(options: PipelineReportOptions) {
    this.#options = options;
    this.#timers = [
      options.clock.setInterval(() => this.#tell(), LIVE_EVERY_MS),
      options.clock.setInterval(() => this.#record(), TELEMETRY_EVERY_MS),
    ];
  }

  stop(): void {
    for (const timer of this.#timers) timer[Symbol.dispose]();
  }

  #tell(): void {
    const { figures, live, measuring, clock } = this.#options;
    if (!measuring.active) live.publish("system", MEASUREMENTS.pipeline.name, clock.nowUs(), { ...figures() });
  }

  #record(): void {
    const { device, figures, telemetry, clock } = this.#options;
    const { points, acks, batches, dropped, spoolBatches, spoolAgeS } = figures();
    const before = this.#reported;
    this.#reported = { points, acks, batches, dropped };
    telemetry.record("system", MEASUREMENTS.pipeline.name, clock.monotonicUs(), {
      service: "agent",
      id: device,
      device,
      points: points - before.points,
      acks: acks - before.acks,
      batches: batches - before.batches,
      dropped: dropped - before.dropped,
      spoolBatches,
      spoolAgeS,
    });
  }
}
