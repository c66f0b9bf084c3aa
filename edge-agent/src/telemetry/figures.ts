import type { Clock } from "@edgewatt/runtime";
import type { Sender } from "./sending/sender.ts";
import type { DiskSpool } from "./spool/disk-spool.ts";
import type { DiskState } from "./spool/disk-health.ts";
import type { Telemetry } from "./telemetry.ts";
import type { WaitingDrafts } from "./waiting/waiting-drafts.ts";

/** How telemetry is doing; what counts events counts them since the start of the agent. */
export interface TelemetryFigures {
  readonly spoolBatches: number;
  readonly spoolBytes: number;
  /** Age of the oldest batch that is not durable, s; 0 without any. */
  readonly spoolAgeS: number;
  /** Bytes of damaged records that were cut out of files of an earlier start. */
  readonly cutBytes: number;
  readonly disk: DiskState;
  readonly droppedPoints: number;
  /** Batches and points that were handed to the spool. */
  readonly batches: number;
  readonly points: number;
  readonly sentBatches: number;
  readonly resentBatches: number;
  readonly acknowledgedBatches: number;
  /** Batches that wait for a synchronized clock. */
  readonly waitingBatches: number;
}

export interface FigureSources {
  readonly spool: Pick<DiskSpool, "batches" | "bytes" | "oldestUs" | "cutBytes" | "disk" | "gaps">;
  readonly sender: Pick<Sender, "counts">;
  readonly telemetry: Pick<Telemetry, "counts">;
  readonly waiting: Pick<WaitingDrafts, "count">;
  readonly clock: Pick<Clock, "monotonicUs">;
}

export function readFigures({ spool, sender, telemetry, waiting, clock }: FigureSources): TelemetryFigures {
  const { oldestUs } = spool;
  return {
    spoolBatches: spool.batches,
    spoolBytes: spool.bytes,
    spoolAgeS: oldestUs === undefined ? 0 : Math.max(0, (clock.monotonicUs() - oldestUs) / 1e6),
    cutBytes: spool.cutBytes,
    disk: spool.disk,
    droppedPoints: spool.gaps.droppedPoints,
    batches: telemetry.counts.batches,
    points: telemetry.counts.points,
    sentBatches: sender.counts.sent,
    resentBatches: sender.counts.resent,
    acknowledgedBatches: sender.counts.acknowledged,
    waitingBatches: waiting.count,
  };
}
