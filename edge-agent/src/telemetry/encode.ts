import { encodeMessage, MAX_TELEMETRY_BYTES, type Channel, type Column, type TelemetryBatch } from "@edgewatt/protocol";
import type { Columns, Draft, DraftChannel } from "./batcher.ts";

/** The envelope of a batch, fixed when it is encoded; `seq` is called once per batch. */
export interface Envelope {
  readonly boot: number;
  readonly sync: boolean;
  readonly job: string | undefined;
  /** Added to CLOCK_MONOTONIC to give µs since the epoch. */
  readonly offsetUs: number;
  nextSeq(): number;
}

export interface EncodedBatch {
  readonly seq: number;
  readonly payload: string;
  /** Rows inside. */
  readonly points: number;
}

/** Room for the envelope in the size limit. */
const ENVELOPE_BYTES = 512;

/** Encodes a draft as one batch, or as several where one would exceed the size limit. */
export function encodeDraft(draft: Draft, envelope: Envelope): EncodedBatch[] {
  return split(draft.channels).map((channels) => {
    const seq = envelope.nextSeq();
    const batch: TelemetryBatch = {
      v: 1,
      boot: envelope.boot,
      seq,
      sync: envelope.sync,
      ...(envelope.job === undefined ? {} : { job: envelope.job }),
      ch: Object.fromEntries(channels.map((channel) => [channel.key, toColumns(channel, envelope.offsetUs)])),
    };
    return {
      seq,
      payload: encodeMessage("telemetry", batch),
      points: channels.reduce((sum, channel) => sum + channel.tUs.length, 0),
    };
  });
}

function split(channels: readonly DraftChannel[]): (readonly DraftChannel[])[] {
  const size = Buffer.byteLength(JSON.stringify(channels.map((channel) => toColumns(channel, 0))));
  const keys = channels.reduce((sum, channel) => sum + Buffer.byteLength(channel.key) + 4, 0);
  if (size + keys + ENVELOPE_BYTES <= MAX_TELEMETRY_BYTES) return [channels];
  const [only] = channels;
  if (channels.length === 1 && only !== undefined) {
    const half = Math.ceil(only.tUs.length / 2);
    return [...split([part(only, 0, half)]), ...split([part(only, half)])];
  }
  const half = Math.ceil(channels.length / 2);
  return [...split(channels.slice(0, half)), ...split(channels.slice(half))];
}

function part(channel: DraftChannel, from: number, to?: number): DraftChannel {
  return { key: channel.key, tUs: channel.tUs.slice(from, to), rows: channel.rows.slice(from, to) };
}

/** Rows to columns: one that is equal in all rows becomes a constant, one without any value is left out. */
function toColumns({ tUs, rows }: DraftChannel, offsetUs: number): Channel {
  const [first = 0] = tUs;
  const names = new Set(rows.flatMap((row: Columns) => Object.keys(row)));
  const columns: Record<string, Column> = {};
  for (const name of names) {
    const cells = rows.map((row) => row[name] ?? null);
    const [cell = null] = cells;
    if (cells.some((other) => other !== cell)) columns[name] = cells;
    else if (cell !== null) columns[name] = cell;
  }
  return { t0: first + offsetUs, dt: tUs.map((t) => t - first), ...columns };
}
