import { appendFile, readFile, rm } from "node:fs/promises";
import { STREAMS } from "@edgewatt/protocol";
import { systemErrorCode, writeFileAtomic, type Logger } from "@edgewatt/runtime";
import { z } from "zod";
import type { Draft } from "../batches/batcher.ts";
import { frame, scan } from "../spool/frame.ts";

const draftSchema = z.object({
  kind: z.literal("draft"),
  /** Of the kernel: CLOCK_MONOTONIC means something else after the machine has started again. */
  kernelBoot: z.string(),
  /** CLOCK_MONOTONIC in µs. */
  takenUs: z.number(),
  /** From CLOCK_MONOTONIC to the wall clock as it was then, µs. */
  offsetUs: z.number(),
  job: z.string().optional(),
  stream: z.enum(STREAMS),
  points: z.number(),
  ch: z.custom<Draft["ch"]>((value) => typeof value === "object" && value !== null),
});
const frozenSchema = z.object({
  kind: z.literal("frozen"),
  kernelBoot: z.string(),
  /** So many drafts of this boot of the machine, the oldest that were not frozen before. */
  count: z.number().int().nonnegative(),
  offsetUs: z.number(),
  sync: z.boolean(),
});
const recordSchema = z.discriminatedUnion("kind", [draftSchema, frozenSchema]);

/** How each record of a draft begins. */
const DRAFT_HEAD = Buffer.from('{"kind":"draft"');
/** A clock that is never synchronized lets drafts go for ever: what has gone is cut off when it is most of the file, and worth a file. */
const LEAST_TO_CUT = 1000;

/** The wall clock that a draft is stamped by. */
export interface Stamp {
  readonly offsetUs: number;
  readonly sync: boolean;
}

/** A draft of an earlier process. */
export interface LeftDraft {
  readonly draft: Draft;
  readonly job: string | undefined;
  readonly takenUs: number;
  /** What it must be stamped by; `undefined` when it may wait on. */
  readonly stamp: Stamp | undefined;
}

export interface WaitingLogOptions {
  readonly file: string;
  /** The kernel's boot id. */
  readonly kernelBoot: string;
  readonly log: Logger;
}

/**
 * A file of drafts that wait for a synchronized clock, so that they outlive the process. Before they go to the spool the log notes
 * what they are stamped by: if the process ends between the two, the next one stamps them by the same, and the points are the same.
 */
export class WaitingLog {
  readonly #options: WaitingLogOptions;
  readonly left: readonly LeftDraft[];
  #isEmpty: boolean;
  /** Drafts in the file that are in the spool. */
  #gone = 0;
  #hasFailed = false;

  private constructor(options: WaitingLogOptions, left: readonly LeftDraft[]) {
    this.#options = options;
    this.left = left;
    this.#isEmpty = left.length === 0;
  }

  static async open(options: WaitingLogOptions): Promise<WaitingLog> {
    let data: Buffer;
    try {
      data = await readFile(options.file);
    } catch {
      return new WaitingLog(options, []);
    }
    const { payloads, damage } = scan(data);
    if (damage.length > 0) options.log.warn({ file: options.file }, "a part of what waits for the clock is damaged");
    const records = payloads.flatMap(({ offset, length }) => {
      const found = recordSchema.safeParse(parseJson(data.toString("utf8", offset, offset + length)));
      return found.success ? [found.data] : [];
    });
    return new WaitingLog(options, readLeft(records, options.kernelBoot));
  }

  async append(draft: Draft, taken: { takenUs: number; offsetUs: number; job: string | undefined }): Promise<void> {
    await this.#write({ kind: "draft", kernelBoot: this.#options.kernelBoot, ...taken, ...draft });
  }

  /** The oldest drafts are about to be stored with this stamp. */
  async freeze(count: number, stamp: Stamp): Promise<void> {
    if (count === 0) return;
    await this.#write({ kind: "frozen", kernelBoot: this.#options.kernelBoot, count, ...stamp });
  }

  /** More drafts of the file are in the spool, all but the newest ones, which wait. Without those the file goes. */
  async done(gone: number, waiting: number): Promise<void> {
    this.#gone += gone;
    if (waiting === 0) await this.#clear();
    else if (this.#gone >= Math.max(LEAST_TO_CUT, waiting)) await this.#keepNewest(waiting);
  }

  async #clear(): Promise<void> {
    if (this.#isEmpty) return;
    this.#isEmpty = true;
    this.#gone = 0;
    await rm(this.#options.file, { force: true }).catch((error: unknown) => this.#fail(error));
  }

  /** What was frozen is of drafts that have gone, so it goes with them. */
  async #keepNewest(count: number): Promise<void> {
    this.#gone = 0;
    try {
      const data = await readFile(this.#options.file);
      const drafts = scan(data)
        .payloads.map(({ offset, length }) => data.subarray(offset, offset + length))
        .filter((payload) => payload.subarray(0, DRAFT_HEAD.length).equals(DRAFT_HEAD));
      await writeFileAtomic(this.#options.file, Buffer.concat(drafts.slice(-count).map(frame)));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #write(record: z.input<typeof recordSchema>): Promise<void> {
    this.#isEmpty = false;
    try {
      await appendFile(this.#options.file, frame(Buffer.from(JSON.stringify(record))));
    } catch (error) {
      this.#fail(error);
    }
  }

  #fail(error: unknown): void {
    if (this.#hasFailed) return;
    this.#hasFailed = true;
    const { file, log } = this.#options;
    log.error({ file, code: systemErrorCode(error) }, "what waits for a synchronized clock is kept in memory only");
  }
}

function readLeft(records: readonly z.output<typeof recordSchema>[], kernelBoot: string): LeftDraft[] {
  const stamps = new Map<string, Stamp[]>();
  for (const record of records) {
    if (record.kind !== "frozen") continue;
    const { count, offsetUs, sync } = record;
    const known = stamps.get(record.kernelBoot) ?? [];
    stamps.set(record.kernelBoot, [...known, ...Array.from({ length: count }, () => ({ offsetUs, sync }))]);
  }
  return records.flatMap((record) => {
    if (record.kind !== "draft") return [];
    const { takenUs, offsetUs, job, stream, points, ch } = record;
    const isOtherBoot = kernelBoot === "" || record.kernelBoot !== kernelBoot;
    const stamp = stamps.get(record.kernelBoot)?.shift() ?? (isOtherBoot ? { offsetUs, sync: false } : undefined);
    return { draft: { stream, points, ch }, job, takenUs, stamp };
  });
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
