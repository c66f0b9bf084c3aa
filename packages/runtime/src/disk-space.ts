import { statfs } from "node:fs/promises";
import type { Clock } from "./clock.ts";
import type { Logger } from "./logger.ts";

/**
 * Space that is left alone, MB: traces and artifacts stop when a disk has less free. Journals of jobs and the spool of
 * telemetry never stop for it: the reserve is theirs.
 */
export const DISK_RESERVE_MB = 500;

const CHECK_EVERY_MS = 10_000;
const MB = 1e6;

/** Bytes that this user may still write to the disk that holds a folder; without end where a file system does not tell its size. */
export async function freeDiskBytes(dir: string): Promise<number> {
  const { bavail, blocks, bsize } = await statfs(dir);
  return blocks === 0 ? Infinity : bavail * bsize;
}

export interface DiskWatchOptions {
  /** A folder on the disk. */
  readonly dir: string;
  readonly reserveBytes: number;
  /** What stops while the disk is low, for people: `uploads are refused`. */
  readonly consequence: string;
  readonly log: Logger;
  readonly clock: Clock;
}

/** Says before a disk is full that it is: in the log, and to whoever asks. */
export class DiskWatch implements Disposable {
  readonly #options: DiskWatchOptions;
  readonly #timer: Disposable;
  #reason: string | undefined;
  #listeners: ((reason: string | undefined) => void)[] = [];

  private constructor(options: DiskWatchOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => void this.check(), CHECK_EVERY_MS);
  }

  static async start(options: DiskWatchOptions): Promise<DiskWatch> {
    const watch = new DiskWatch(options);
    await watch.check();
    return watch;
  }

  /** Why something stops; `undefined` while there is room. As of a few seconds ago. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Calls back at every change between low and not low, and now when it is low. */
  onChange(listener: (reason: string | undefined) => void): void {
    this.#listeners.push(listener);
    if (this.#reason !== undefined) listener(this.#reason);
  }

  /** Looks now; resolves with `reason`. A disk that cannot be asked is not called low. */
  async check(): Promise<string | undefined> {
    const { dir, reserveBytes, consequence, log } = this.#options;
    let free: number;
    try {
      free = await freeDiskBytes(dir);
    } catch (error) {
      log.debug({ err: error, dir }, "the free space of a disk is not known");
      return this.#reason;
    }
    const wasLow = this.#reason !== undefined;
    const isLow = free < reserveBytes;
    if (isLow !== wasLow) {
      this.#reason = isLow
        ? `the disk of ${dir} has less than the reserve of ${Math.round(reserveBytes / MB)} MB free: ${consequence}; free space on it`
        : undefined;
      if (this.#reason === undefined) log.info({ dir, freeMb: Math.round(free / MB) }, "the disk has room again");
      else log.error({ dir, freeMb: Math.round(free / MB) }, this.#reason);
      for (const listener of this.#listeners) listener(this.#reason);
    }
    return this.#reason;
  }

  [Symbol.dispose](): void {
    this.#timer[Symbol.dispose]();
  }
}
