import type { BatchId } from "./ack.ts";
import type { Line } from "@edgewatt/database";

/** One write: the lines of some batches, which become durable together. */
export interface Write {
  readonly lines: Line[];
  readonly batches: BatchId[];
  /** Size in memory, as UTF-16 units of the lines. */
  size: number;
}

export interface WriteQueueOptions {
  /** A write is closed when it has this many lines. */
  readonly maxLines: number;
  /** Writes under way at once. */
  readonly maxInFlight: number;
  /** Size of all lines in memory; what would exceed it is not taken. */
  readonly maxSize: number;
  /** Resolves when the write is over, durable or given up; never rejects. */
  readonly store: (write: Write) => Promise<void>;
}

function emptyWrite(): Write {
  return { lines: [], batches: [], size: 0 };
}

/** Gathers the lines of batches into writes, and bounds how many are under way and how much waits in memory. */
export class WriteQueue {
  #options: WriteQueueOptions;
  #open = emptyWrite();
  #waiting: Write[] = [];
  #inFlight = new Set<Promise<void>>();
  #size = 0;
  #batches = 0;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Batches in memory. */
  get batches(): number {
    return this.#batches;
  }

  /** Takes the lines, those of a batch or a service's own; `false` when memory is full and nothing was taken. */
  add(lines: readonly Line[], batch?: BatchId): boolean {
    const size = lines.reduce((sum, line) => sum + line.length, 0);
    if (this.#size + size > this.#options.maxSize) return false;
    for (const line of lines) this.#open.lines.push(line);
    this.#open.size += size;
    this.#size += size;
    if (batch) {
      this.#open.batches.push(batch);
      this.#batches += 1;
    }
    if (this.#open.lines.length >= this.#options.maxLines) this.flush();
    return true;
  }

  /** Closes the open write, so that it goes as soon as one of those under way is over. */
  flush(): void {
    if (this.#open.lines.length > 0 || this.#open.batches.length > 0) {
      this.#waiting.push(this.#open);
      this.#open = emptyWrite();
    }
    this.#start();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    this.flush();
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
  }

  async #run(write: Write): Promise<void> {
    await this.#options.store(write);
    this.#size -= write.size;
    this.#batches -= write.batches.length;
  }

  #start(): void {
    while (this.#inFlight.size < this.#options.maxInFlight) {
      const write = this.#waiting.shift();
      if (!write) return;
      const stored = this.#run(write);
      this.#inFlight.add(stored);
      void stored.finally(() => {
        this.#inFlight.delete(stored);
        this.#start();
      });
    }
  }
}
