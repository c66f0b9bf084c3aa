import path from "node:path";
import type { Ack, Stream } from "@edgewatt/protocol";
import type { Extent } from "./frame.ts";
import { GrowingUint32 } from "./growing-uint32.ts";
import type { BatchName } from "./spool.ts";

const NAME = /^(\d{10})\.seg$/;
/** Lets seconds before the start of the machine be written as numbers that are not negative. */
const SECONDS_BIAS = 2 ** 31;

/** Batches of one boot and stream in a segment, in ascending order of their numbers. */
interface Run {
  readonly boot: number;
  readonly stream: Stream;
  readonly seqs: GrowingUint32;
  /** Position of each among the records of the segment. */
  readonly records: GrowingUint32;
}

export function segmentFile(dir: string, number: number): string {
  return path.join(dir, `${String(number).padStart(10, "0")}.seg`);
}

export function segmentNumber(file: string): number | undefined {
  const digits = NAME.exec(file)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/**
 * The index of one file of the spool: where each batch is and whether it is still held, some thirty bytes for each. Payloads
 * stay on the disk.
 */
export class Segment {
  readonly number: number;
  /** Size of the file. */
  bytes = 0;
  #held = 0;
  readonly #runs: Run[] = [];
  readonly #offsets = new GrowingUint32();
  /** Of the payload; 0 when the batch is not held any more. */
  readonly #lengths = new GrowingUint32();
  readonly #runOf = new GrowingUint32();
  readonly #seqOf = new GrowingUint32();
  readonly #sinceS = new GrowingUint32();
  #oldest = 0;

  constructor(number: number) {
    this.number = number;
  }

  /** Batches that are not acknowledged. */
  get held(): number {
    return this.#held;
  }

  get newestBoot(): number {
    return Math.max(0, ...this.#runs.map(({ boot }) => boot));
  }

  /** Since when the oldest of them is held, CLOCK_MONOTONIC in µs. */
  get oldestUs(): number | undefined {
    while (this.#oldest < this.#lengths.length && this.#lengths.at(this.#oldest) === 0) this.#oldest += 1;
    return this.#oldest === this.#lengths.length
      ? undefined
      : (this.#sinceS.at(this.#oldest) - SECONDS_BIAS) * 1_000_000;
  }

  /** @param payload where the record's payload is in the file */
  add({ boot, stream, seq }: BatchName, payload: Extent, sinceUs: number): void {
    const last = this.#runs.findLastIndex((run) => run.boot === boot && run.stream === stream);
    const lastRun = this.#runs[last];
    const ascends = lastRun !== undefined && lastRun.seqs.at(lastRun.seqs.length - 1) < seq;
    const at = ascends
      ? last
      : this.#runs.push({ boot, stream, seqs: new GrowingUint32(), records: new GrowingUint32() }) - 1;
    this.#runs[at]?.seqs.push(seq);
    this.#runs[at]?.records.push(this.#offsets.length);
    this.#offsets.push(payload.offset);
    this.#lengths.push(payload.length);
    this.#runOf.push(at);
    this.#seqOf.push(seq);
    this.#sinceS.push(Math.floor(sinceUs / 1_000_000) + SECONDS_BIAS);
    this.#held += 1;
  }

  /** Lets go of what the ranges name, and says what that was. */
  acknowledge(stream: Stream, { boot, ranges }: Ack): BatchName[] {
    const removed: BatchName[] = [];
    for (const { seqs, records } of this.#runsOf({ boot, stream })) {
      for (const [first, last] of ranges) {
        for (let i = seqs.lowerBound(first); i < seqs.length && seqs.at(i) <= last; i++) {
          if (this.#lengths.at(records.at(i)) === 0) continue;
          this.#lengths.set(records.at(i), 0);
          this.#held -= 1;
          removed.push({ boot, stream, seq: seqs.at(i) });
        }
      }
    }
    return removed;
  }

  /** Where a batch is; `undefined` when it is not held here. */
  find(batch: BatchName): Extent | undefined {
    for (const { seqs, records } of this.#runsOf(batch)) {
      const i = seqs.lowerBound(batch.seq);
      if (i === seqs.length || seqs.at(i) !== batch.seq) continue;
      const length = this.#lengths.at(records.at(i));
      if (length > 0) return { offset: this.#offsets.at(records.at(i)), length };
    }
    return undefined;
  }

  *newestFirst(): Generator<BatchName, void> {
    for (let i = this.#lengths.length - 1; i >= 0; i--) {
      const run = this.#runs[this.#runOf.at(i)];
      if (this.#lengths.at(i) > 0 && run !== undefined) {
        yield { boot: run.boot, stream: run.stream, seq: this.#seqOf.at(i) };
      }
    }
  }

  /** Where all batches are that are held, in order. */
  *extents(): Generator<Extent, void> {
    for (let i = 0; i < this.#lengths.length; i++) {
      const length = this.#lengths.at(i);
      if (length > 0) yield { offset: this.#offsets.at(i), length };
    }
  }

  /** Lets go of all. */
  drop(): void {
    for (let i = 0; i < this.#lengths.length; i++) this.#lengths.set(i, 0);
    this.#held = 0;
  }

  #runsOf({ boot, stream }: { boot: number; stream: Stream }): Run[] {
    return this.#runs.filter((run) => run.boot === boot && run.stream === stream);
  }
}
