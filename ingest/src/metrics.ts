import { counter, gauge, histogram, type Metric } from "@edgewatt/runtime";
import type { IngestFigures } from "./ingest.ts";

/** What an ingest's metrics are read from. */
export interface IngestParts {
  readonly connected: () => boolean;
  readonly figures: () => IngestFigures;
}

/** The figures of an ingest for `--metrics-port`. */
export function ingestMetrics({ connected, figures }: IngestParts): readonly Metric[] {
  return [
    gauge("broker_connected", "1 while the ingest has its broker", () => Number(connected())),
    gauge("holding", "1 while the ingest holds: what it takes does not become durable", () =>
      Number(figures().holding),
    ),
    counter("points_total", "Points that became durable", () => figures().points),
    counter("batches_total", "Batches that became durable and were acknowledged", () => figures().batches),
    counter("acks_total", "Acknowledgements sent, each for many batches", () => figures().acks),
    counter(
      "dead_letters_total",
      "Points that the database refused, and batches that cannot be read: kept in dead-letter files",
      () => figures().deadLetters,
    ),
    counter(
      "undecodable_messages_total",
      "Messages without readable numbers, which are neither stored nor acknowledged",
      () => figures().undecodable,
    ),
    counter(
      "batches_turned_away_total",
      "Batches left to their agents because memory was full",
      () => figures().turnedAway,
    ),
    counter("writes_failed_total", "Attempts to write that stored nothing", () => figures().failedWrites),
    histogram("write_duration_seconds", "Time of a write until it was durable, tries that failed included", () => {
      const { count, sumS, buckets } = figures().writeTimes;
      return { count, sum: sumS, buckets: buckets.map(({ leS, count: below }) => [leS, below]) };
    }),
    gauge("queue_batches", "Batches in memory that are not durable yet", () => figures().queueBatches),
    gauge("queue_bytes", "Size of these batches in memory", () => figures().queueBytes),
    gauge("writes_in_flight", "Writes to the database under way", () => figures().inFlight),
    gauge("devices", "Devices that were served in the last ten seconds", () => figures().ownedDevices),
  ];
}
