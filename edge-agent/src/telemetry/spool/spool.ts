import type { Ack, Stream } from "@edgewatt/protocol";
import type { GapLedger } from "./gap-ledger.ts";

/** Names one batch among all of a device. */
export interface BatchName {
  readonly boot: number;
  readonly stream: Stream;
  readonly seq: number;
}

/** An encoded batch on its way to become durable. */
export interface SpooledBatch extends BatchName {
  /** JSON, as it is published. */
  readonly payload: string;
  /** Rows inside. */
  readonly points: number;
}

/**
 * Holds batches until ingest says that they are durable. A batch leaves on that acknowledgement, or when the byte cap
 * forces the oldest out, which its ledger of gaps tells. Used by one thread; calls may overlap.
 */
export interface Spool {
  /** Batches held. */
  readonly batches: number;
  /** Room that they take. */
  readonly bytes: number;
  /** Since when the oldest is held, CLOCK_MONOTONIC in µs; `undefined` without any. */
  readonly oldestUs: number | undefined;
  /** What was given up for lack of room, to be published. */
  readonly gaps: GapLedger;
  /** Resolves when the batch is held; never rejects for a fault of the disk. */
  append(batch: SpooledBatch): Promise<void>;
  /** Removes what the ranges name and says what that was; what is not held is ignored. */
  acknowledge(stream: Stream, ack: Ack): readonly BatchName[];
  /** Walks over what is held when the walk gets there; what is appended meanwhile is left out. */
  newestFirst(): Iterator<BatchName>;
  /** The payload of a batch; `undefined` when it is not held any more, or cannot be read. */
  read(batch: BatchName): Promise<string | undefined>;
  close(): Promise<void>;
}

/** Identity of a batch among all of a device. */
export function batchKey({ boot, stream, seq }: BatchName): string {
  return `${boot}/${stream}/${seq}`;
}

/** Whether an acknowledgement's ranges, which come from the network, name a number. */
export function isAcknowledged(seq: number, ranges: Ack["ranges"]): boolean {
  return ranges.some(([first, last]) => seq >= first && seq <= last);
}
