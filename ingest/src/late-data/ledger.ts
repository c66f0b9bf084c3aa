import { readFile } from "node:fs/promises";
import { systemErrorCode, writeFileAtomic, type Logger } from "@edgewatt/runtime";
import { z } from "zod";

const HOUR_S = 3_600;
const documentSchema = z.object({ v: z.literal(1), hours: z.array(z.number().int()) });

/**
 * The hours whose means are due again, on disk before the points that make them so: an ingest that is killed between a late
 * write and its recomputation finds them at its next start. A backlog touches few hours, so the file is rarely written.
 */
export class LateLedger {
  readonly #file: string;
  #hours: Set<number>;
  /** Since the last `begin`. */
  #noted = new Set<number>();
  #written: Promise<void> = Promise.resolve();
  /** What is on disk is not what is known, and no write is under way that changes that. */
  #isDue = false;

  private constructor(file: string, hours: readonly number[]) {
    this.#file = file;
    this.#hours = new Set(hours);
  }

  static async open(file: string, log: Logger): Promise<LateLedger> {
    let hours: readonly number[] = [];
    try {
      ({ hours } = documentSchema.parse(JSON.parse(await readFile(file, "utf8"))));
    } catch (error) {
      if (systemErrorCode(error) !== "ENOENT") {
        log.warn(
          { err: error, file },
          "the list of late hours cannot be read; `edgewatt database recompute` does what it said",
        );
      }
    }
    return new LateLedger(file, hours);
  }

  /** Starts of the hours, seconds since the epoch. */
  hours(): number[] {
    return [...this.#hours].map((hour) => hour * HOUR_S);
  }

  /** Resolves when the hours of these times are on disk. @throws {FileError} */
  async note(timesS: Iterable<number>): Promise<void> {
    for (const timeS of timesS) {
      const hour = Math.floor(timeS / HOUR_S);
      this.#noted.add(hour);
      this.#isDue ||= !this.#hours.has(hour);
      this.#hours.add(hour);
    }
    if (this.#isDue) this.#written = this.#write(this.#written);
    await this.#written;
  }

  /** What is noted from now on stays when what was noted before is done. */
  begin(): void {
    this.#noted = new Set();
  }

  /** All that was noted before the last `begin` is done. @throws {FileError} */
  async done(): Promise<void> {
    if (this.#hours.size === this.#noted.size) return;
    this.#hours = new Set(this.#noted);
    this.#written = this.#write(this.#written);
    await this.#written;
  }

  async #write(before: Promise<void>): Promise<void> {
    this.#isDue = false;
    await before.catch(() => {});
    try {
      await writeFileAtomic(this.#file, `${JSON.stringify({ v: 1, hours: [...this.#hours] })}\n`);
    } catch (error) {
      this.#isDue = true;
      throw error;
    }
  }
}
