import type { Ack, Stream } from "@edgewatt/protocol";
import { batchKey, type Dropped, type Spool, type SpooledBatch } from "./spool.ts";

/** A spool that lives as long as the agent. */
export class MemorySpool implements Spool {
  /** In order of arrival. */
  readonly #held = new Map<string, SpooledBatch>();
  readonly #capBytes: number;
  #bytes = 0;

  constructor(capBytes: number) {
    this.#capBytes = capBytes;
  }

  get batches(): number {
    return this.#held.size;
  }

  get bytes(): number {
    return this.#bytes;
  }

  async append(batch: SpooledBatch): Promise<readonly Dropped[]> {
    this.#held.set(batchKey(batch), batch);
    this.#bytes += sizeOf(batch);
    const lost = new Map<Stream, number>();
    for (const [key, oldest] of this.#held) {
      if (this.#bytes <= this.#capBytes || this.#held.size === 1) break;
      this.#remove(key);
      lost.set(oldest.stream, (lost.get(oldest.stream) ?? 0) + oldest.points);
    }
    return [...lost].map(([stream, points]) => ({ stream, points }));
  }

  async acknowledge(stream: Stream, { boot, ranges }: Ack): Promise<number> {
    let removed = 0;
    // The ranges come from the network: walk what is held, not what they claim.
    for (const [key, batch] of this.#held) {
      if (batch.stream !== stream || batch.boot !== boot) continue;
      if (!ranges.some(([first, last]) => batch.seq >= first && batch.seq <= last)) continue;
      this.#remove(key);
      removed += 1;
    }
    return removed;
  }

  newestFirst(): Iterable<SpooledBatch> {
    return [...this.#held.values()].toReversed();
  }

  async close(): Promise<void> {
    this.#held.clear();
    this.#bytes = 0;
  }

  #remove(key: string): void {
    const batch = this.#held.get(key);
    if (batch === undefined) return;
    this.#held.delete(key);
    this.#bytes -= sizeOf(batch);
  }
}

function sizeOf(batch: SpooledBatch): number {
  return Buffer.byteLength(batch.payload);
}
