import type { BatchId } from "./ack.ts";
import type { BatchLetter } from "./dead-letters.ts";
import type { LineBlock } from "./line-block.ts";
import { LineBuffer } from "./line-buffer.ts";

/** One write: the lines of some batches, which become durable together. */
export interface Write {
  readonly lines: LineBuffer;
  readonly batches: BatchId[];
  /** Batches that cannot be read, to be set aside with the same write. */
  readonly letters: BatchLetter[];
  /** Bytes of all that. */
  size: number;
}

export interface WriteQueueOptions {
  /** A write is closed when it has this many lines. */
  readonly maxLines: number;
  /** A write is closed when it has this many bytes; only a single batch makes one larger. */
  readonly maxWriteSize: number;
  /** Writes under way at once. */
  readonly maxInFlight: number;
  /** Bytes in memory; what would exceed them is not taken. */
  readonly maxSize: number;
  /** Resolves with whether the write is durable; `false` when it was given up, and may still be under way. Never rejects. */
  readonly store: (write: Write) => Promise<boolean>;
  /** Memory became full, or has room for half of it again. */
  readonly onFull?: (full: boolean) => void;
}

/** What the queue is given at once. */
export interface Entry {
  readonly block: LineBlock;
  /** The batch that the lines are of; none for a service's own. */
  readonly batch?: BatchId;
  /** The batch itself, when it cannot be read. */
  readonly letter?: BatchLetter;
}

function keyOf({ device, stream, boot, seq }: BatchId): string {
  return `${device}/${stream}/${boot}/${seq}`;
}

/** Gathers the lines of batches into writes, and bounds how many are under way and how much waits in memory. */
export class WriteQueue {
  #options: WriteQueueOptions;
  #open: Write;
  #spare: LineBuffer[] = [];
  #waiting: Write[] = [];
  #inFlight = new Set<Promise<void>>();
  #size = 0;
  /** Keys of the batches in memory: an agent that sends again meanwhile must not fill it with the same. */
  #held = new Set<string>();
  #full = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
    this.#open = this.#emptyWrite();
  }

  /** Batches in memory. */
  get batches(): number {
    return this.#held.size;
  }

  /** Bytes in memory. */
  get size(): number {
    return this.#size;
  }

  /** Writes under way. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Takes the entry, or has its batch already; `false` when memory is full and nothing was taken. */
  add({ block, batch, letter }: Entry): boolean {
    const key = batch === undefined ? undefined : keyOf(batch);
    if (key !== undefined && this.#held.has(key)) return true;
    const { maxSize, maxLines, maxWriteSize } = this.#options;
    const lineSize = Buffer.byteLength(block.text);
    const size = lineSize + (letter === undefined ? 0 : Buffer.byteLength(letter.payload));
    if (this.#size + size > maxSize) {
      this.#setFull(true);
      return false;
    }
    if (this.#open.lines.count > 0 && this.#open.size + size > maxWriteSize) this.#close();
    const write = this.#open;
    write.lines.append(block, lineSize);
    write.size += size;
    this.#size += size;
    if (letter) write.letters.push(letter);
    if (batch !== undefined && key !== undefined) {
      write.batches.push(batch);
      this.#held.add(key);
    }
    if (write.lines.count >= maxLines || write.size >= maxWriteSize) this.#close();
    return true;
  }

  /**
   * Closes the open write because of its age, if it can go at once: while as many writes are under way as may be, it would
   * only wait, and goes on gathering instead.
   */
  flush(): void {
    if (this.#waiting.length === 0 && this.#inFlight.size < this.#options.maxInFlight) this.#close();
  }

  /** Resolves when nothing waits and nothing is under way. */
  async drain(): Promise<void> {
    this.#close();
    while (this.#inFlight.size > 0) await Promise.race(this.#inFlight);
  }

  #emptyWrite(): Write {
    return { lines: this.#spare.pop() ?? new LineBuffer(), batches: [], letters: [], size: 0 };
  }

  #close(): void {
    const { lines, batches, letters } = this.#open;
    if (lines.count > 0 || batches.length > 0 || letters.length > 0) {
      this.#waiting.push(this.#open);
      this.#open = this.#emptyWrite();
    }
    this.#start();
  }

  async #run(write: Write): Promise<void> {
    const durable = await this.#options.store(write);
    if (durable) this.#recycle(write.lines);
    this.#size -= write.size;
    for (const batch of write.batches) this.#held.delete(keyOf(batch));
    if (this.#size <= this.#options.maxSize / 2) this.#setFull(false);
  }

  #recycle(lines: LineBuffer): void {
    lines.clear();
    if (this.#spare.length <= this.#options.maxInFlight) this.#spare.push(lines);
  }

  #setFull(full: boolean): void {
    if (full === this.#full) return;
    this.#full = full;
    this.#options.onFull?.(full);
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
