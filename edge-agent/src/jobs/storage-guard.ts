import { FileError, systemErrorCode, type Clock, type Logger } from "@edgewatt/runtime";

const RETRY_MS = 2000;

/** Something keeps jobs from going on; a `message` that is `undefined` says that it does no longer. */
export interface JobsFault {
  readonly code: "journal" | "operation";
  readonly job: string;
  readonly message: string | undefined;
}

export interface StorageGuardOptions {
  readonly clock: Clock;
  readonly log: Logger;
  readonly onFault: (fault: JobsFault) => void;
}

/**
 * Writes that must be on disk before anything is told. While the disk is full, read-only or gone they wait, that is reported, and
 * they are tried again: nothing is accepted, started or ended that a crash would make undone.
 */
export class StorageGuard {
  readonly #options: StorageGuardOptions;
  readonly #stopping = new AbortController();

  constructor(options: StorageGuardOptions) {
    this.#options = options;
  }

  /** Resolves when `write` has succeeded. @throws its error once the guard was stopped */
  async persist(job: string, write: () => Promise<void>): Promise<void> {
    const { clock, log, onFault } = this.#options;
    let failing = false;
    for (;;) {
      try {
        await write();
        break;
      } catch (error) {
        if (this.#stopping.signal.aborted) throw error;
        if (!failing) {
          const why = error instanceof FileError ? error.message : systemErrorCode(error);
          const message = `the job journal of this device cannot be written: ${why}; jobs wait until it can`;
          log.error({ job, reason: why }, "the job journal cannot be written; jobs wait until it can");
          onFault({ code: "journal", job, message });
        }
        failing = true;
        await clock.sleep(RETRY_MS, this.#stopping.signal).catch(() => {});
      }
    }
    if (!failing) return;
    log.info({ job }, "the job journal can be written again");
    onFault({ code: "journal", job, message: undefined });
  }

  /** What waits is tried once more and then given up. */
  stop(): void {
    this.#stopping.abort();
  }
}
