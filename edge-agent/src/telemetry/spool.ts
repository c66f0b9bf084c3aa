import type { Ack, Stream } from "@edgewatt/protocol";

/** An encoded batch on its way to become durable. */
export interface SpooledBatch {
  readonly boot: number;
  readonly stream: Stream;
  readonly seq: number;
  readonly payload: string;
  readonly points: number;
}

/** Rows that were given up for lack of room. */
export interface Dropped {
  readonly stream: Stream;
  readonly points: number;
}

/**
 * Holds batches until ingest says that they are durable. A batch leaves on that acknowledgement, or when the byte cap
 * forces the oldest out, which `append` reports so that it can be recorded. Used by one thread; `append` and
 * `acknowledge` may overlap.
 */
export interface Spool {
  readonly batches: number;
  readonly bytes: number;
  append(batch: SpooledBatch): Promise<readonly Dropped[]>;
  /** Removes what the ranges name; what is not held is ignored. Returns the removed batches' number. */
  acknowledge(stream: Stream, ack: Ack): Promise<number>;
  newestFirst(): Iterable<SpooledBatch>;
  close(): Promise<void>;
}

/** Identity of a batch among all of a device. */
export function batchKey(batch: { boot: number; stream: Stream; seq: number }): string {
  return `${batch.boot}/${batch.stream}/${batch.seq}`;
}
