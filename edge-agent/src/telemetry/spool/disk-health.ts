import type { DeviceFault } from "@edgewatt/protocol";
import { systemErrorCode, type Clock, type Logger } from "@edgewatt/runtime";

const RETRY_US = 5_000_000;

const ADVICE: Readonly<Record<string, string>> = {
  ENOSPC: "free some space",
  EDQUOT: "free some space",
  EROFS: "the file system is read-only: see dmesg, and mount it for writing",
  EACCES: "let the agent's user write there",
  EPERM: "let the agent's user write there",
  EIO: "the disk has failed: see dmesg, and replace it",
};

/** Whether the disk takes telemetry. */
export type DiskState = { readonly state: "ok" } | { readonly state: "failed"; readonly code: string };

/** What people are told while it does not. */
export function spoolFault(disk: DiskState): DeviceFault | undefined {
  if (disk.state === "ok") return undefined;
  const advice = ADVICE[disk.code] ?? "check the disk";
  const message = `telemetry cannot be kept on disk (${disk.code}) and is kept in memory, where a crash loses it: ${advice}`;
  return { code: "spool", message };
}

/** Follows whether the disk of the spool can be written; a fault is told once, and so is its end. */
export class DiskHealth {
  readonly #dir: string;
  readonly #clock: Pick<Clock, "monotonicUs">;
  readonly #log: Logger;
  #code: string | undefined;
  #triedUs = 0;
  onChange: () => void = () => {};

  constructor(dir: string, clock: Pick<Clock, "monotonicUs">, log: Logger) {
    this.#dir = dir;
    this.#clock = clock;
    this.#log = log;
  }

  get state(): DiskState {
    return this.#code === undefined ? { state: "ok" } : { state: "failed", code: this.#code };
  }

  /** Whether it is time to try a disk again that has failed. */
  get isRetryDue(): boolean {
    return this.#code !== undefined && this.#clock.monotonicUs() - this.#triedUs >= RETRY_US;
  }

  failed(error: unknown): void {
    this.#triedUs = this.#clock.monotonicUs();
    const code = systemErrorCode(error);
    if (code === this.#code) return;
    this.#code = code;
    this.#log.error({ dir: this.#dir, code }, spoolFault(this.state)?.message);
    this.onChange();
  }

  works(): void {
    if (this.#code === undefined) return;
    this.#log.info({ dir: this.#dir, code: this.#code }, "the disk takes telemetry again");
    this.#code = undefined;
    this.onChange();
  }
}
