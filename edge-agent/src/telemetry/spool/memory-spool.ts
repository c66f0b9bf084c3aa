import type { Ack, Stream } from "@edgewatt/protocol";
import type { Clock } from "@edgewatt/runtime";
import type { GapLedger } from "./gap-ledger.ts";
import { pointsOf } from "./lost-points.ts";
import { batchKey, isAcknowledged, type BatchName, type Spool, type SpooledBatch } from "./spool.ts";

/** Some are dropped at once, as telling each alone would take as much room as it had. */
const DROP_TO = 7 / 8;

interface Held {
  readonly batch: SpooledBatch;
  readonly sinceUs: number;
}

export interface MemorySpoolOptions {
  readonly capBytes: number;
  readonly clock: Pick<Clock, "monotonicUs">;
  readonly gaps: GapLedger;
}

/** A spool that lives as long as the agent. */
export class MemorySpool implements Spool {
  readonly #options: MemorySpoolOptions;
  /** In order of arrival. */
  readonly #held = new Map<string, Held>();
  #bytes = 0;

  constructor(options: MemorySpoolOptions) {
    this.#options = options;
  }

  get batches(): number {
    return this.#held.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get oldestUs(): number | undefined {
    return this.#oldest()?.sinceUs;
  }

  get gaps(): GapLedger {
    return this.#options.gaps;
  }

  async append(batch: SpooledBatch): Promise<void> {
    this.#held.set(batchKey(batch), { batch, sinceUs: this.#options.clock.monotonicUs() });
    this.#bytes += sizeOf(batch);
    if (this.#bytes > this.#options.capBytes) await this.#dropTo(this.#options.capBytes * DROP_TO);
  }

  acknowledge(stream: Stream, { boot, ranges }: Ack): readonly BatchName[] {
    const removed: BatchName[] = [];
    // The ranges come from the network: walk what is held, not what they claim.
    for (const [key, { batch }] of this.#held) {
      if (batch.stream !== stream || batch.boot !== boot || !isAcknowledged(batch.seq, ranges)) continue;
      this.#remove(key);
      removed.push(batch);
    }
    return removed;
  }

  *newestFirst(): Generator<BatchName, void> {
    for (const key of [...this.#held.keys()].toReversed()) {
      const held = this.#held.get(key);
      if (held !== undefined) yield held.batch;
    }
  }

  async read(batch: BatchName): Promise<string | undefined> {
    return this.#held.get(batchKey(batch))?.batch.payload;
  }

  /** The one that is held longest. */
  oldest(): SpooledBatch | undefined {
    return this.#oldest()?.batch;
  }

  remove(batch: BatchName): void {
    this.#remove(batchKey(batch));
  }

  async close(): Promise<void> {
    this.#held.clear();
    this.#bytes = 0;
  }

  async #dropTo(bytes: number): Promise<void> {
    const lost = new Map<Stream, number>();
    for (const [key, { batch: oldest }] of this.#held) {
      if (this.#bytes <= bytes || this.#held.size === 1) break;
      this.#remove(key);
      for (const [stream, points] of pointsOf(oldest.stream, oldest.payload)) {
        lost.set(stream, (lost.get(stream) ?? 0) + points);
      }
    }
    await this.gaps.record(lost, "there is no more room in memory");
  }

  #oldest(): Held | undefined {
    const first = this.#held.values().next();
    return first.done === true ? undefined : first.value;
  }

  #remove(key: string): void {
    const held = this.#held.get(key);
    if (held === undefined) return;
    this.#held.delete(key);
    this.#bytes -= sizeOf(held.batch);
  }
}

function sizeOf(batch: SpooledBatch): number {
  return Buffer.byteLength(batch.payload);
}
