import { open, readFile, type FileHandle } from "node:fs/promises";
import { writeFileAtomic, type Logger } from "@edgewatt/runtime";

/** Lines that arrive within this time share one fsync. */
const FLUSH_MS = 50;
/** A disk that is full is tried again after this time. */
const RETRY_MS = 2000;

/**
 * A file of JSON lines that only grows, until it is compacted. A crash loses at most the lines of the last
 * 50 ms, and never one that stands before them; a line that a crash cut is skipped when reading.
 */
export class JournalFile {
  readonly #file: string;
  readonly #log: Logger;
  #handle: FileHandle;
  #bytes: number;
  #waiting: string[] = [];
  /** When the oldest of the lines that wait, and of those that are being written, came; on `performance`'s clock. */
  #waitingSinceMs: number | undefined;
  #writingSinceMs: number | undefined;
  #timer: NodeJS.Timeout | undefined;
  #work: Promise<void> = Promise.resolve();

  private constructor(file: string, log: Logger, handle: FileHandle, bytes: number) {
    this.#file = file;
    this.#log = log;
    this.#handle = handle;
    this.#bytes = bytes;
  }

  /** Reads all whole lines, lets `compact` choose those to keep, and opens the file for more. */
  static async open(
    file: string,
    log: Logger,
    compact: (records: readonly unknown[]) => readonly unknown[],
  ): Promise<JournalFile> {
    const kept = toLines(compact(parseLines(await readIfThere(file), log)));
    await writeFileAtomic(file, kept);
    return new JournalFile(file, log, await open(file, "a"), Buffer.byteLength(kept));
  }

  /** Size with the lines that wait to be written. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Age of the oldest line that is not on the disk yet, s; 0 without one. */
  get lagS(): number {
    const sinceMs = this.#writingSinceMs ?? this.#waitingSinceMs;
    return sinceMs === undefined ? 0 : (performance.now() - sinceMs) / 1000;
  }

  append(record: unknown): void {
    const line = toLines([record]);
    this.#waiting.push(line);
    this.#waitingSinceMs ??= performance.now();
    this.#bytes += Buffer.byteLength(line);
    this.#flushIn(FLUSH_MS);
  }

  /** Replaces all lines, those that wait included, by these. */
  compact(records: readonly unknown[]): void {
    const kept = toLines(records);
    const waiting = this.#waiting;
    this.#waiting = [];
    this.#waitingSinceMs = undefined;
    this.#bytes = Buffer.byteLength(kept);
    this.#enqueue(async () => {
      try {
        await writeFileAtomic(this.#file, kept);
      } catch (error) {
        // The file is as it was, without these.
        this.#putBack(waiting);
        throw error;
      }
      await this.#handle.close();
      this.#handle = await open(this.#file, "a");
    });
  }

  async close(): Promise<void> {
    this.#enqueue(() => this.#flush());
    await this.#work;
    clearTimeout(this.#timer);
    await this.#handle.close();
  }

  #enqueue(task: () => Promise<void>): void {
    this.#work = this.#work.then(task).catch((error: unknown) => {
      // What could not be written is tried again.
      this.#log.error({ err: error, file: this.#file }, "the journal cannot be written: check the disk");
    });
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const lines = this.#waiting;
    this.#waiting = [];
    if (lines.length === 0) return;
    this.#writingSinceMs = this.#waitingSinceMs;
    this.#waitingSinceMs = undefined;
    try {
      await this.#handle.appendFile(lines.join(""));
      await this.#handle.datasync();
    } catch (error) {
      this.#putBack(lines);
      throw error;
    } finally {
      this.#writingSinceMs = undefined;
    }
  }

  /** Part of them may be on disk: what follows begins on a line of its own. */
  #putBack(lines: readonly string[]): void {
    this.#waitingSinceMs = this.#writingSinceMs ?? this.#waitingSinceMs ?? performance.now();
    this.#waiting.unshift(...(lines[0] === "\n" ? [] : ["\n"]), ...lines);
    this.#flushIn(RETRY_MS);
  }

  #flushIn(ms: number): void {
    this.#timer ??= setTimeout(() => this.#enqueue(() => this.#flush()), ms);
  }
}

function toLines(records: readonly unknown[]): string {
  return records.map((record) => `${JSON.stringify(record)}\n`).join("");
}

async function readIfThere(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return "";
    throw error;
  }
}

function parseLines(text: string, log: Logger): unknown[] {
  return text.split("\n").flatMap((line): unknown[] => {
    if (line === "") return [];
    try {
      return [JSON.parse(line)];
    } catch {
      log.warn({ start: line.slice(0, 80) }, "skipped a line of the journal that is not whole");
      return [];
    }
  });
}
