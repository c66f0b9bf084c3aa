import type { BatchId } from "./ack.ts";
import type { BatchLetter } from "./dead-letters.ts";
import type { Line } from "./line-protocol.ts";

/** One write: the lines of some batches, which become durable together. */
export interface Write {
  readonly lines: Line[];
  readonly batches: BatchId[];
  /** Batches that cannot be read, to be set aside with the same write. */
  readonly letters: BatchLetter[];
  /** Size in memory, as UTF-16 units of the text. */
  size: number;
}

export interface WriteQueueOptions {
  /** A write is closed when it has this many lines. */
  readonly maxLines: number;
  /** A write is closed when its text has this many UTF-16 units; only a single batch makes one larger. */
  readonly maxWriteSize: number;
  /** Writes under way at once. */
  readonly maxInFlight: number;
  /** UTF-16 units of all text in memory; what would exceed it is not taken. */
  readonly maxSize: number;
  /** Resolves when the write is over, durable or given up; never rejects. */
  readonly store: (write: Write) => Promise<void>;
  /** Memory became full, or has room for half of it again. */
  readonly onFull?: (full: boolean) => void;
}

/** What the queue is given at once. */
export interface Entry {
  readonly lines: readonly Line[];
  /** The batch that the lines are of; none for a service's own. */
  readonly batch?: BatchId;
  /** The batch itself, when it cannot be read. */
  readonly letter?: BatchLetter;
}

function emptyWrite(): Write {
  return { lines: [], batches: [], letters: [], size: 0 };
}

function keyOf({ device, stream, boot, seq }: BatchId): string {
  return `${device}/${stream}/${boot}/${seq}`;
}

/** Gathers the lines of batches into writes, and bounds how many are under way and how much waits in memory. */
export class WriteQueue {
  #options: WriteQueueOptions;
  #open = emptyWrite();
  #waiting: Write[] = [];
  #inFlight = new Set<Promise<void>>();
  #size = 0;
  /** Keys of the batches in memory: an agent that sends again meanwhile must not fill it with the same. */
  #held = new Set<string>();
  #full = false;

  constructor(options: WriteQueueOptions) {
    this.#options = options;
  }

  /** Batches in memory. */
  get batches(): number {
    return this.#held.size;
  }

  /** UTF-16 units in memory. */
  get size(): number {
    return this.#size;
  }

  /** Writes under way. */
  get inFlight(): number {
    return this.#inFlight.size;
  }

  /** Takes the entry, or has its batch already; `false` when memory is full and nothing was taken. */
  add({ lines, batch, letter }: Entry): boolean {
    const key = batch === undefined ? undefined : keyOf(batch);
    if (key !== undefined && this.#held.has(key)) return true;
    const { maxSize, maxLines, maxWriteSize } = this.#options;
    let size = letter?.payload.length ?? 0;
    for (const line of lines) size += line.length;
    if (this.#size + size > maxSize) {
      this.#setFull(true);
      return false;
    }
    if (this.#open.lines.length > 0 && this.#open.size + size > maxWriteSize) this.#close();
    const write = this.#open;
    for (const line of lines) write.lines.push(line);
    write.size += size;
    this.#size += size;
    if (letter) write.letters.push(letter);
    if (batch !== undefined && key !== undefined) {
      write.batches.push(batch);
      this.#held.add(key);
    }
    if (write.lines.length >= maxLines || write.size >= maxWriteSize) this.#close();
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

  #close(): void {
    const { lines, batches, letters } = this.#open;
    if (lines.length > 0 || batches.length > 0 || letters.length > 0) {
      this.#waiting.push(this.#open);
      this.#open = emptyWrite();
    }
    this.#start();
  }

  async #run(write: Write): Promise<void> {
    await this.#options.store(write);
    this.#size -= write.size;
    for (const batch of write.batches) this.#held.delete(keyOf(batch));
    if (this.#size <= this.#options.maxSize / 2) this.#setFull(false);
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
