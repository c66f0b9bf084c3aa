import { mkdir, rm } from "node:fs/promises";
import path from "node:path";
import type { Ack, Stream } from "@edgewatt/protocol";
import { systemErrorCode, type Clock, type Logger } from "@edgewatt/runtime";
import { CurrentSegment } from "./current-segment.ts";
import { DiskHealth, type DiskState } from "./disk-health.ts";
import { jsonOf, spoolPayload } from "./frame.ts";
import { GapLedger } from "./gap-ledger.ts";
import { giveUp } from "./lost-points.ts";
import { MemorySpool } from "./memory-spool.ts";
import { openSegments } from "./open-segments.ts";
import { readRecord } from "./read-record.ts";
import { segmentFile, type Segment } from "./segment.ts";
import { Serial } from "./serial.ts";
import type { BatchName, Spool, SpooledBatch } from "./spool.ts";

const SEGMENT_BYTES = 4 * 1024 * 1024;
/** A small cap has smaller segments, since they are dropped as a whole. */
const LEAST_SEGMENTS = 8;
/** Acknowledged batches that a killed process leaves on disk are sent once more: no more than this of them. */
const ACKNOWLEDGED_BYTES = 256 * 1024;
/** What is held in memory while the disk fails. */
const SHELTER_BYTES = 8e6;

export interface DiskSpoolOptions {
  readonly dir: string;
  readonly capBytes: number;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * A spool in files that only grow: `0000000000.seg` and on, each of at most 4 MiB of records (`frame.ts`). A batch is in its file when
 * `append` resolves, and outlives the process. A file goes when all its batches are acknowledged, or as the oldest one when the cap is
 * reached: as a whole, which costs one entry of a folder and no writing on a disk that wears. While the disk fails, batches
 * are kept in memory, and move to the disk when it works again.
 */
export class DiskSpool implements Spool {
  readonly #options: DiskSpoolOptions;
  readonly #health: DiskHealth;
  readonly #gaps: GapLedger;
  /** In order. */
  readonly #segments = new Map<number, Segment>();
  readonly #shelter: MemorySpool;
  readonly #serial = new Serial();
  readonly #current: CurrentSegment;
  /** Bytes of damage that were cut out when it was opened. */
  readonly cutBytes: number;

  private constructor(
    options: DiskSpoolOptions,
    parts: { health: DiskHealth; gaps: GapLedger; segments: readonly Segment[]; nextNumber: number; cutBytes: number },
  ) {
    const { dir, capBytes, clock } = options;
    this.#options = options;
    this.#health = parts.health;
    this.#gaps = parts.gaps;
    this.cutBytes = parts.cutBytes;
    for (const segment of parts.segments) this.#segments.set(segment.number, segment);
    this.#current = new CurrentSegment({
      dir,
      clock,
      segmentBytes: Math.min(SEGMENT_BYTES, Math.floor(capBytes / LEAST_SEGMENTS)),
      nextNumber: parts.nextNumber,
      onBegun: (segment) => this.#segments.set(segment.number, segment),
      // All of it may have been acknowledged while it was open.
      onSealed: (segment) => void this.#serial.run(() => this.#release(segment)),
      onError: (error) => this.#health.failed(error),
    });
    this.#shelter = new MemorySpool({ capBytes: Math.min(capBytes, SHELTER_BYTES), clock, gaps: parts.gaps });
  }

  /** Takes over what an earlier process left. A disk that cannot be used is a state, and no error. */
  static async open(options: DiskSpoolOptions): Promise<DiskSpool> {
    const { dir, clock, log } = options;
    const health = new DiskHealth(dir, clock, log);
    const onError = (error: unknown) => health.failed(error);
    const remove = async (segment: number) => rm(segmentFile(dir, segment), { force: true }).catch(onError);
    try {
      await mkdir(dir, { recursive: true });
    } catch (error) {
      onError(error);
    }
    const gaps = await GapLedger.open(path.join(dir, "gaps.json"), { clock, log, remove });
    try {
      const opened = await openSegments({ dir, clock, log, onError });
      const nextNumber = Math.max(opened.nextNumber, gaps.nextSegment);
      return new DiskSpool(options, { health, gaps, ...opened, nextNumber });
    } catch (error) {
      onError(error);
      return new DiskSpool(options, { health, gaps, segments: [], nextNumber: gaps.nextSegment, cutBytes: 0 });
    }
  }

  get batches(): number {
    let sum = this.#shelter.batches;
    for (const { held } of this.#segments.values()) sum += held;
    return sum;
  }

  get bytes(): number {
    let sum = this.#shelter.bytes;
    for (const { bytes } of this.#segments.values()) sum += bytes;
    return sum;
  }

  get oldestUs(): number | undefined {
    for (const { oldestUs } of this.#segments.values()) {
      if (oldestUs !== undefined) return oldestUs;
    }
    return this.#shelter.oldestUs;
  }

  /** The newest start of the agent that it holds batches of; 0 without any. */
  get newestBoot(): number {
    return Math.max(0, ...[...this.#segments.values()].map(({ newestBoot }) => newestBoot));
  }

  get gaps(): GapLedger {
    return this.#gaps;
  }

  get disk(): DiskState {
    return this.#health.state;
  }

  /** Calls a function when the disk fails, or works again. */
  onDiskChange(fn: () => void): void {
    this.#health.onChange = fn;
  }

  append(batch: SpooledBatch): Promise<void> {
    return this.#serial.run(async () => {
      const mayWork = this.disk.state === "ok" || this.#health.isRetryDue;
      if (mayWork) await this.#leaveShelter();
      const isWritten = mayWork && this.#shelter.batches === 0 && (await this.#write(batch));
      if (isWritten) await this.#enforceCap();
      else await this.#shelter.append(batch);
    });
  }

  acknowledge(stream: Stream, ack: Ack): readonly BatchName[] {
    const removed = [...this.#shelter.acknowledge(stream, ack)];
    for (const segment of this.#segments.values()) {
      const gone = segment.acknowledge(stream, ack);
      removed.push(...gone);
      if (gone.length > 0 && segment.held === 0) void this.#serial.run(() => this.#release(segment));
    }
    return removed;
  }

  *newestFirst(): Generator<BatchName, void> {
    yield* this.#shelter.newestFirst();
    for (let below = Infinity; ;) {
      const segment = [...this.#segments.values()].findLast(({ number }) => number < below);
      if (segment === undefined) return;
      below = segment.number;
      yield* segment.newestFirst();
    }
  }

  async read(batch: BatchName): Promise<string | undefined> {
    const sheltered = await this.#shelter.read(batch);
    if (sheltered !== undefined) return sheltered;
    for (const segment of this.#segments.values()) {
      const extent = segment.find(batch);
      if (extent === undefined) continue;
      try {
        const payload = await readRecord(segmentFile(this.#options.dir, segment.number), extent);
        if (payload !== undefined) return jsonOf(payload);
        await this.#lose(segment, batch);
      } catch (error) {
        // Or it was acknowledged, and removed, meanwhile.
        if (segment.find(batch) === undefined) return undefined;
        if (systemErrorCode(error) === "ENOENT") await this.#lose(segment, batch);
        else this.#health.failed(error);
      }
      return undefined;
    }
    return undefined;
  }

  /** Makes all durable. */
  async close(): Promise<void> {
    await this.#serial.run(async () => {
      await this.#leaveShelter();
      if (this.#shelter.batches > 0) {
        this.#options.log.error({ batches: this.#shelter.batches }, "telemetry that only memory holds is lost");
      }
      await this.#current.close();
      for (const segment of this.#segments.values()) {
        if (segment.held === 0) await this.#remove(segment);
      }
    });
  }

  /** Whether the disk has taken it. */
  async #write(batch: SpooledBatch): Promise<boolean> {
    try {
      await this.#current.append(batch, spoolPayload(batch.stream, batch.payload));
      this.#health.works();
      return true;
    } catch (error) {
      this.#health.failed(error);
      return false;
    }
  }

  /** A segment of which nothing is held any more. */
  async #release(segment: Segment): Promise<void> {
    if (segment.held > 0 || !this.#segments.has(segment.number)) return;
    if (this.#current.is(segment)) {
      if (segment.bytes < ACKNOWLEDGED_BYTES) return;
      this.#current.seal();
    }
    await this.#remove(segment);
  }

  async #remove(segment: Segment): Promise<void> {
    segment.drop();
    this.#segments.delete(segment.number);
    try {
      await rm(segmentFile(this.#options.dir, segment.number), { force: true });
      this.#gaps.removed(segment.number);
    } catch (error) {
      this.#health.failed(error);
    }
  }

  /** A batch that the disk does not give back as it was written. */
  async #lose(segment: Segment, { boot, stream, seq }: BatchName): Promise<void> {
    if (segment.acknowledge(stream, { v: 1, boot, ranges: [[seq, seq]] }).length === 0) return;
    this.#options.log.error({ segment: segment.number, boot, stream, seq }, "a batch on disk is damaged and lost");
    await this.#gaps.record(new Map([[stream, 1]]), "a batch on disk is damaged");
    if (segment.held === 0) await this.#serial.run(() => this.#release(segment));
  }

  async #enforceCap(): Promise<void> {
    while (this.bytes > this.#options.capBytes) {
      const [oldest] = this.#segments.values();
      // The newest batch stays, whatever its size.
      if (oldest === undefined || (this.#segments.size === 1 && oldest.held <= 1)) return;
      if (this.#current.is(oldest)) this.#current.seal();
      const lost = await giveUp(segmentFile(this.#options.dir, oldest.number), oldest);
      await this.#gaps.record(lost, "the spool is full", oldest.number);
      await this.#remove(oldest);
    }
  }

  /** Moves to the disk what was held in memory, in order; stops where the disk fails again. */
  async #leaveShelter(): Promise<void> {
    for (let batch = this.#shelter.oldest(); batch !== undefined; batch = this.#shelter.oldest()) {
      if (!(await this.#write(batch))) return;
      this.#shelter.remove(batch);
    }
  }
}
