import { readFile } from "node:fs/promises";
import { STREAMS, type Stream } from "@edgewatt/protocol";
import { writeFileAtomic, type Clock, type Logger } from "@edgewatt/runtime";
import { z } from "zod";

const gapSchema = z.object({
  stream: z.enum(STREAMS),
  /** Points that were given up. */
  lost: z.number().int().positive(),
  /** When, in µs since the epoch; no two of the ledger are equal, so each is a point of its own. */
  atUs: z.number().int().nonnegative(),
});
const ledgerSchema = z.object({
  v: z.literal(1),
  gaps: z.array(gapSchema),
  /** Segments that are lost by these gaps, whether they are removed yet or not. */
  dropping: z.array(z.number().int().nonnegative()),
});

/** Points of a stream that will never be published. */
export type Gap = z.infer<typeof gapSchema>;
/** Points by the stream that they belong to. */
export type Lost = ReadonlyMap<Stream, number>;

/**
 * What was dropped and is not yet told in telemetry. With a file it outlives the process: a drop is written here before the data
 * is removed, and what a crash left of that data is removed when the ledger is opened, so that a point is lost and told, or neither.
 */
export class GapLedger {
  readonly #file: string | undefined;
  readonly #clock: Clock;
  readonly #log: Logger;
  #gaps: Gap[] = [];
  #dropping: number[] = [];
  #points = 0;
  #lastUs = 0;
  /** No segment that was given up before the start has this number or a higher one: a note of it may still be in the file. */
  nextSegment = 0;

  private constructor(file: string | undefined, clock: Clock, log: Logger) {
    this.#file = file;
    this.#clock = clock;
    this.#log = log;
  }

  static inMemory(clock: Clock, log: Logger): GapLedger {
    return new GapLedger(undefined, clock, log);
  }

  /**
   * Opens the ledger's file; one that cannot be read counts as empty, which is logged.
   * @param remove removes segments that were given up before a crash
   */
  static async open(
    file: string,
    { clock, log, remove }: { clock: Clock; log: Logger; remove: (segment: number) => Promise<void> },
  ): Promise<GapLedger> {
    const ledger = new GapLedger(file, clock, log);
    const kept = await readLedger(file, log);
    ledger.#gaps = [...kept.gaps];
    ledger.#lastUs = Math.max(0, ...kept.gaps.map(({ atUs }) => atUs));
    if (kept.dropping.length === 0) return ledger;
    for (const segment of kept.dropping) await remove(segment);
    ledger.nextSegment = Math.max(...kept.dropping) + 1;
    await ledger.#write();
    return ledger;
  }

  /** Not yet told, the oldest first. */
  get pending(): readonly Gap[] {
    return this.#gaps;
  }

  /** Points that were dropped since the start. */
  get droppedPoints(): number {
    return this.#points;
  }

  /**
   * Notes what is about to be dropped.
   * @param why for people: `the spool is full`
   * @param segment the one that holds it
   */
  async record(lost: Lost, why: string, segment?: number): Promise<void> {
    for (const [stream, points] of lost) {
      if (points === 0) continue;
      this.#lastUs = Math.max(this.#clock.nowUs(), this.#lastUs + 1);
      this.#gaps.push({ stream, lost: points, atUs: this.#lastUs });
      this.#points += points;
      this.#log.warn({ stream, lost: points, why }, "points are given up");
    }
    if (segment !== undefined) this.#dropping.push(segment);
    await this.#write();
  }

  /** The segment that held what was dropped does not exist any more. */
  removed(segment: number): void {
    this.#dropping = this.#dropping.filter((number) => number !== segment);
  }

  /** These are told: a batch of telemetry that holds them is in the spool. */
  async settle(told: readonly Gap[]): Promise<void> {
    const gone = new Set(told);
    this.#gaps = this.#gaps.filter((gap) => !gone.has(gap));
    await this.#write();
  }

  async #write(): Promise<void> {
    if (this.#file === undefined) return;
    try {
      await writeFileAtomic(this.#file, `${JSON.stringify({ v: 1, gaps: this.#gaps, dropping: this.#dropping })}\n`);
    } catch (error) {
      this.#log.warn({ reason: String(error) }, "dropped points are counted in memory only");
    }
  }
}

async function readLedger(file: string, log: Logger): Promise<z.infer<typeof ledgerSchema>> {
  let text: string;
  try {
    text = await readFile(file, "utf8");
  } catch {
    return { v: 1, gaps: [], dropping: [] };
  }
  try {
    return ledgerSchema.parse(JSON.parse(text));
  } catch (error) {
    log.error({ file, reason: String(error) }, "what was dropped earlier cannot be read and will not be told");
    return { v: 1, gaps: [], dropping: [] };
  }
}
