import type { PowerInterval } from "./messages.ts";

const INTERVAL_US = 100_000;
/** Of half a minute each: the one that fills, and the one before. */
const SPAN_US = 30_000_000;

/** What a power channel has delivered since the agent started. */
export interface ChannelCounts {
  readings: number;
  /** Tenths of a second without a mean, among those that have one. */
  missed: number;
  /** CLOCK_MONOTONIC at the end of the newest mean, µs. */
  newestUs: number;
  spanEndUs: number;
  spanGapUs: number;
  lastSpanGapUs: number;
}

/** Counts what the sampler delivers, ten times a second and channel. */
export class ReadingCounts {
  readonly channels = new Map<string, ChannelCounts>();
  /** Faults by code; one that stands counts as often as it is told, ten times a second. */
  readonly faults = new Map<string, number>();

  interval(channel: string, { tUs, n, gapUs }: Pick<PowerInterval, "tUs" | "n" | "gapUs">): void {
    let counts = this.channels.get(channel);
    if (counts === undefined) {
      counts = { readings: 0, missed: 0, newestUs: tUs, spanEndUs: tUs + SPAN_US, spanGapUs: 0, lastSpanGapUs: 0 };
      this.channels.set(channel, counts);
    } else {
      counts.missed += Math.max(0, Math.round((tUs - counts.newestUs) / INTERVAL_US) - 1);
    }
    counts.readings += n;
    counts.newestUs = tUs;
    if (tUs >= counts.spanEndUs) {
      counts.lastSpanGapUs = tUs < counts.spanEndUs + SPAN_US ? counts.spanGapUs : 0;
      counts.spanGapUs = 0;
      counts.spanEndUs = tUs + SPAN_US;
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
