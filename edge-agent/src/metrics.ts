import { counter, counters, gauge, gauges, type Labelled, type Metric } from "@edgewatt/runtime";
import type { AgentPipeline } from "./pipeline-report.ts";
import { type ChannelCounts, longestGapS, type ReadingCounts } from "./sampler/reading-counts.ts";
import type { ChannelState } from "./sampler/sampler.ts";

/** What the agent's metrics are read from. */
export interface AgentFigures {
  readonly connected: () => boolean;
  readonly clockSynchronized: () => boolean;
  readonly pipeline: () => AgentPipeline;
  /** Batches published, and those of them that were published before. */
  readonly sent: () => { readonly batches: number; readonly again: number; readonly inFlight: number };
  /** Jobs that the journal knows, by state. */
  readonly jobs: () => ReadonlyMap<string, number>;
  readonly channels: () => readonly ChannelState[];
  readonly readings: ReadingCounts;
  readonly monotonicUs: () => number;
}

/** The agent's figures for `--metrics-port`. */
export function agentMetrics(figures: AgentFigures): readonly Metric[] {
  return [...pipelineMetrics(figures), ...samplerMetrics(figures), ...stateMetrics(figures)];
}

function pipelineMetrics({ pipeline, sent }: AgentFigures): readonly Metric[] {
  return [
    gauge("spool_batches", "Batches that wait to become durable", () => pipeline().spoolBatches),
    gauge("spool_bytes", "Room that they take", () => pipeline().spoolBytes),
    gauge("spool_limit_bytes", "Room that they may take before the oldest is dropped", () => pipeline().spoolCapBytes),
    gauge("spool_age_seconds", "Age of the oldest of them, 0 without any", () => pipeline().spoolAgeS),
    gauge("spool_disk_ok", "1 while the spool's disk can be written; else batches are kept in memory", () =>
      Number(pipeline().spoolFault === ""),
    ),
    counter("points_total", "Points recorded", () => pipeline().points),
    counter("points_dropped_total", "Points given up for lack of room", () => pipeline().dropped),
    counter("acks_total", "Acknowledgements received", () => pipeline().acks),
    counter("batches_durable_total", "Batches acknowledged as durable", () => pipeline().batches),
    counter("batches_sent_total", "Batches published, again included", () => sent().batches),
    counter("batches_resent_total", "Batches published again for lack of an acknowledgement", () => sent().again),
    gauge("batches_in_flight", "Batches published that the broker has not confirmed yet", () => sent().inFlight),
  ];
}

function samplerMetrics({ channels, readings, monotonicUs }: AgentFigures): readonly Metric[] {
  const perChannel = (figure: (counts: ChannelCounts) => number) => (): Labelled =>
    [...readings.channels].map(([channel, counts]) => [channel, figure(counts)]);
  return [
    gauges("sampler_channel_ok", "1 while a power channel gives readings", "channel", () =>
      channels().map(({ channel, fault }) => [channel, Number(fault === undefined)]),
    ),
    gauges("sampler_rate_hertz", "The most that a channel's meter can be read, as in jobs", "channel", () =>
      channels().map(({ channel, rateHz }) => [channel, rateHz]),
    ),
    counters(
      "sampler_readings_total",
      "Readings of a channel",
      "channel",
      perChannel((counts) => counts.readings),
    ),
    counters(
      "sampler_intervals_missed_total",
      "Tenths of a second without a mean",
      "channel",
      perChannel((counts) => counts.missed),
    ),
    gauges(
      "sampler_gap_max_seconds",
      "Longest time between two readings in the last minute",
      "channel",
      perChannel(longestGapS),
    ),
    gauges(
      "sampler_silent_seconds",
      "Time since a channel's newest mean",
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

function stateMetrics({ connected, clockSynchronized, jobs }: AgentFigures): readonly Metric[] {
  return [
    gauge("broker_connected", "1 while the agent has its broker", () => Number(connected())),
    gauge("clock_synchronized", "1 while somebody keeps the wall clock right", () => Number(clockSynchronized())),
    gauges("jobs", "Jobs that the journal knows, by state", "state", jobs),
  ];
}
