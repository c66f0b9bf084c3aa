import { encodeMessage, type Channel, type TelemetryBatch } from "@edgewatt/protocol";
import type { Draft } from "./batcher.ts";

/** What makes a draft a batch; it never changes after that. */
export interface Envelope {
  readonly boot: number;
  readonly seq: number;
  /** Whether the clock was synchronized. */
  readonly sync: boolean;
  readonly job: string | undefined;
  /** Added to the times of the draft to give µs since the epoch. */
  readonly offsetUs: number;
}

/** The JSON of a batch. Boot and number come first, where the spool looks for them. */
export function freeze({ ch }: Draft, { boot, seq, sync, job, offsetUs }: Envelope): string {
  const batch: TelemetryBatch = {
    v: 1,
    boot,
    seq,
    sync,
    ...(job === undefined ? {} : { job }),
    ch: Object.fromEntries(
      Object.entries(ch).map(([key, channel]): [string, Channel] => [key, { ...channel, t0: channel.t0 + offsetUs }]),
    ),
  };
  return encodeMessage("telemetry", batch);
}
