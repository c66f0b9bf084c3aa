import type { Clock } from "@edgewatt/runtime";
import type { BatchId } from "./ack.ts";
import { formatFileText } from "@edgewatt/database";
import { DayFile } from "./sinks/day-file.ts";
import { requireRoom, type DiskRoom } from "./sinks/disk-room.ts";
import type { Refusal } from "./sinks/sink.ts";

/** A batch that cannot be read, as it came. */
export interface BatchLetter {
  readonly id: BatchId;
  /** Code of the DecodeError. */
  readonly code: string;
  readonly reason: string;
  /** The payload as text. */
  readonly payload: string;
}

/**
 * What is acknowledged but not in the database, by UTC day: lines that it refuses in `2026-11-23.lp`, each below a comment that
 * says why, and batches that cannot be read in `2026-11-23.jsonl`, one JSON object per line.
 */
export class DeadLetters {
  #lines: DayFile;
  #batches: DayFile;
  #disk: DiskRoom;

  constructor(dir: string, { clock, disk }: { readonly clock: Clock; readonly disk: DiskRoom }) {
    this.#disk = disk;
    this.#lines = new DayFile(dir, "lp", clock);
    this.#batches = new DayFile(dir, "jsonl", clock);
  }

  /** Resolves when they are on the disk. @throws {SinkError} codes `file`, and `disk-low`: a peer that sends them without end does not fill it */
  async append(refusals: readonly Refusal[], letters: readonly BatchLetter[]): Promise<void> {
    if (refusals.length === 0 && letters.length === 0) return;
    requireRoom(this.#disk);
    if (refusals.length > 0) {
      await this.#lines.append(
        refusals.map(({ reason, lines }) => `# ${reason.replaceAll(/\s+/g, " ")}\n${formatFileText(lines)}`).join(""),
      );
    }
    if (letters.length > 0) {
      await this.#batches.append(letters.map(({ id, ...why }) => `${JSON.stringify({ ...id, ...why })}\n`).join(""));
    }
  }

  async close(): Promise<void> {
    await this.#lines.close();
    await this.#batches.close();
  }
}
