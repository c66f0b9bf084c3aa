import type { Clock } from "@edgewatt/runtime";
import type { TelemetryFigures } from "./figures.ts";
import type { Telemetry } from "./telemetry.ts";

const EVERY_MS = 10_000;

/** Writes what the agent counts of its own telemetry as a point of measurement `pipeline`, every 10 s. */
export class PipelineReport {
  readonly #timer: Disposable;
  #last: TelemetryFigures;

  constructor(
    device: string,
    { telemetry, clock, figures }: { telemetry: Telemetry; clock: Clock; figures: () => TelemetryFigures },
  ) {
    this.#last = figures();
    this.#timer = clock.setInterval(() => {
      const now = figures();
      const since = (key: "points" | "batches" | "acknowledgedBatches" | "droppedPoints") => now[key] - this.#last[key];
      telemetry.record("system", "pipeline", clock.monotonicUs(), {
        service: "agent",
        id: device,
        device,
        points: since("points"),
        batches: since("batches"),
        acks: since("acknowledgedBatches"),
        dropped: since("droppedPoints"),
        spoolBatches: now.spoolBatches,
        spoolAgeS: Math.round(now.spoolAgeS * 10) / 10,
        queue: now.waitingBatches,
      });
      this.#last = now;
    }, EVERY_MS);
  }

  stop(): void {
    this.#timer[Symbol.dispose]();
  }
}
