import { MEASUREMENTS } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";
import type { Measuring } from "../measure/measuring.ts";
import type { TelemetryFigures } from "./figures.ts";
import type { Live } from "./live.ts";

const EVERY_MS = 1000;

export interface PipelineLiveOptions {
  readonly figures: () => TelemetryFigures;
  readonly spoolCapBytes: number;
  readonly live: Pick<Live, "publish">;
  readonly measuring: Pick<Measuring, "active">;
  readonly clock: Clock;
}

/**
 * Tells once a second how telemetry gets on, to whoever listens now: without a database and without a metrics port `doctor` sees what
 * waits. Silent in measured windows and idle stretches, in which the report in telemetry goes on.
 */
export class PipelineLive {
  readonly #timer: Disposable;

  constructor({ figures, spoolCapBytes, live, measuring, clock }: PipelineLiveOptions) {
    this.#timer = clock.setInterval(() => {
      if (measuring.active) return;
      const { points, batches, acknowledgedBatches, spoolBatches, spoolBytes, spoolAgeS, ...rest } = figures();
      const { droppedPoints, waitingBatches } = rest;
      live.publish("system", MEASUREMENTS.pipeline.name, clock.nowUs(), {
        points,
        batches,
        acks: acknowledgedBatches,
        spoolBatches,
        spoolBytes,
        spoolCapBytes,
        spoolAgeS: Math.round(spoolAgeS * 10) / 10,
        dropped: droppedPoints,
        queue: waitingBatches,
      });
    }, EVERY_MS);
  }

  stop(): void {
    this.#timer[Symbol.dispose]();
  }
}
