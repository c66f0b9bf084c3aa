import type { ReadingReport } from "./reading-report.ts";

/** Of half a minute each: the one that fills, and the one before. */
const SPAN_US = 30_000_000;

/** What a power channel has delivered since the agent started. */
export interface ChannelCounts {
  readings: number;
  missed: number;
  /** CLOCK_MONOTONIC of the newest reading, µs. */
  newestUs: number;
  spanEndUs: number;
  spanGapUs: number;
  lastSpanGapUs: number;
}

/** Adds up what the sampler reports once a second. */
export class ReadingCounts {
  readonly channels = new Map<string, ChannelCounts>();
  /** Faults by code; one that stands counts as often as it is told, ten times a second. */
  readonly faults = new Map<string, number>();

  add(channel: string, { newestUs, readings, missed, gapUs }: ReadingReport): void {
    let counts = this.channels.get(channel);
    if (counts === undefined) {
      counts = { readings: 0, missed: 0, newestUs, spanEndUs: newestUs + SPAN_US, spanGapUs: 0, lastSpanGapUs: 0 };
      this.channels.set(channel, counts);
    }
    counts.readings += readings;
    counts.missed += missed;
    counts.newestUs = newestUs;
    if (newestUs >= counts.spanEndUs) {
      counts.lastSpanGapUs = newestUs < counts.spanEndUs + SPAN_US ? counts.spanGapUs : 0;
      counts.spanGapUs = 0;
      counts.spanEndUs = newestUs + SPAN_US;
    }
    counts.spanGapUs = Math.max(counts.spanGapUs, gapUs);
  }

  fault(code: string): void {
    this.faults.set(code, (this.faults.get(code) ?? 0) + 1);
  }
}

/** Longest time between two readings in the last half to whole minute, s. */
export function longestGapS({ spanGapUs, lastSpanGapUs }: ChannelCounts): number {
  return Math.max(spanGapUs, lastSpanGapUs) / 1e6;
}
