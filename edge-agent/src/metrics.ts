import {
  brokerHealth,
  counter,
  counters,
  gauge,
  gauges,
  type Health,
  type Labelled,
  type Metric,
} from "@edgewatt/runtime";
import { type ChannelCounts, longestGapS, type ReadingCounts } from "./sampler/reading-counts.ts";
import type { ChannelState } from "./sampler/sampler.ts";
import type { TelemetryFigures } from "./telemetry/figures.ts";
import { spoolFault } from "./telemetry/spool/disk-health.ts";

/** What the agent's metrics are read from. */
export interface AgentParts {
  readonly connected: () => boolean;
  readonly ingestOnline: () => boolean;
  readonly clockSynchronized: () => boolean;
  readonly telemetry: () => TelemetryFigures;
  /** Room for batches in the spool, bytes. */
  readonly spoolCapBytes: number;
  /** Jobs that the journal knows, by state. */
  readonly jobs: () => Labelled;
  readonly channels: () => readonly ChannelState[];
  readonly readings: ReadingCounts;
  readonly monotonicUs: () => number;
}

/** Without its disk an agent still measures and sends, but a crash loses what waits: somebody must look. */
export function agentHealth({ connected, telemetry }: AgentParts): Health {
  const fault = spoolFault(telemetry().disk);
  if (!connected() || fault === undefined) return brokerHealth(connected());
  return { healthy: false, state: "disk-failed", reason: fault.message };
}

/** The agent's figures for `--metrics-port`. */
export function agentMetrics(parts: AgentParts): readonly Metric[] {
  return [...telemetryMetrics(parts), ...samplerMetrics(parts), ...stateMetrics(parts)];
}

function telemetryMetrics({ telemetry, spoolCapBytes }: AgentParts): readonly Metric[] {
  return [
    gauge("spool_batches", "Batches that wait to become durable", () => telemetry().spoolBatches),
    gauge("spool_bytes", "Room that the batches that wait take in the spool", () => telemetry().spoolBytes),
    gauge(
      "spool_limit_bytes",
      "Room that the spool may take; beyond it the oldest batches are dropped",
      () => spoolCapBytes,
    ),
    gauge(
      "spool_age_seconds",
      "Age of the oldest batch that waits to become durable, 0 without any",
      () => telemetry().spoolAgeS,
    ),
    gauge("spool_disk_ok", "1 while the spool's disk can be written; else batches are kept in memory", () =>
      Number(telemetry().disk.state === "ok"),
    ),
    gauge(
      "spool_cut_bytes",
      "Bytes of damaged records that were cut out of the spool at the start",
      () => telemetry().cutBytes,
    ),
    gauge("clock_waiting_batches", "Batches that wait for a synchronized clock", () => telemetry().waitingBatches),
    counter("points_total", "Points handed to the spool", () => telemetry().points),
    counter("points_dropped_total", "Points given up for lack of room", () => telemetry().droppedPoints),
    counter("batches_total", "Batches handed to the spool", () => telemetry().batches),
    counter(
      "batches_sent_total",
      "Batches that the broker took, those sent again included",
      () => telemetry().sentBatches,
    ),
    counter(
      "batches_resent_total",
      "Batches sent again because no acknowledgement came",
      () => telemetry().resentBatches,
    ),
    counter("batches_acknowledged_total", "Batches that became durable", () => telemetry().acknowledgedBatches),
  ];
}

function samplerMetrics({ channels, readings, monotonicUs }: AgentParts): readonly Metric[] {
  const perChannel = (figure: (counts: ChannelCounts) => number) => (): Labelled =>
    [...readings.channels].map(([channel, counts]) => [channel, figure(counts)]);
  return [
    gauges("sampler_channel_ok", "1 while a power channel gives readings", "channel", () =>
      channels().map(({ channel, fault }) => [channel, Number(fault === undefined)]),
    ),
    gauges("sampler_rate_hertz", "How fast a channel's meter can be read, as it is in jobs", "channel", () =>
      channels().map(({ channel, rateHz }) => [channel, rateHz]),
    ),
    counters(
      "sampler_readings_total",
      "Readings of a power channel",
      "channel",
      perChannel((counts) => counts.readings),
    ),
    counters(
      "sampler_readings_missed_total",
      "Readings of a channel that the schedule wanted and that did not come between two others",
      "channel",
      perChannel((counts) => counts.missed),
    ),
    gauges(
      "sampler_gap_max_seconds",
      "Longest time between two readings of a channel in the last minute",
      "channel",
      perChannel(longestGapS),
    ),
    gauges(
      "sampler_silent_seconds",
      "Time since the newest reading of a channel, which is told once a second",
      "channel",
      perChannel(({ newestUs }) => (monotonicUs() - newestUs) / 1e6),
    ),
    counters(
      "sampler_faults_total",
      "Faults of reading by code, a standing one ten times a second",
      "code",
      () => readings.faults,
    ),
  ];
}

function stateMetrics({ connected, ingestOnline, clockSynchronized, jobs }: AgentParts): readonly Metric[] {
  return [
    gauge("broker_connected", "1 while the agent has its broker", () => Number(connected())),
    gauge("ingest_online", "1 while some ingest says that it takes batches", () => Number(ingestOnline())),
    gauge("clock_synchronized", "1 while the wall clock is synchronized", () => Number(clockSynchronized())),
    gauges("jobs", "Jobs that the journal of the agent knows, by state", "state", jobs),
  ];
}
