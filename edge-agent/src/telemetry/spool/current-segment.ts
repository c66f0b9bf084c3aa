import { mkdir } from "node:fs/promises";
import type { Clock } from "@edgewatt/runtime";
import { Segment, segmentFile } from "./segment.ts";
import { SegmentWriter } from "./segment-writer.ts";
import type { BatchName } from "./spool.ts";

const SYNC_MS = 1000;

export interface CurrentSegmentOptions {
  readonly dir: string;
  readonly clock: Clock;
  /** A file that would grow beyond this is sealed, and another begins. */
  readonly segmentBytes: number;
  /** Of the first file that is made. */
  readonly nextNumber: number;
  readonly onBegun: (segment: Segment) => void;
  /** It gets no more records. */
  readonly onSealed: (segment: Segment) => void;
  /** A sync failed. */
  readonly onError: (error: unknown) => void;
}

/** The file of the spool that is written, one after the other; made when there is something to write. */
export class CurrentSegment {
  readonly #options: CurrentSegmentOptions;
  readonly #closing = new Set<Promise<void>>();
  #open: { readonly segment: Segment; readonly writer: SegmentWriter } | undefined;
  #nextNumber: number;
  #timer: Disposable | undefined;

  constructor(options: CurrentSegmentOptions) {
    this.#options = options;
    this.#nextNumber = options.nextNumber;
  }

  is(segment: Segment): boolean {
    return this.#open?.segment === segment;
  }

  /** Calls must not overlap. Rejects when the disk does not take it; the next call begins another file. */
  async append(batch: BatchName, payload: Buffer): Promise<void> {
    try {
      const { segment, writer } = await this.#for(payload.length);
      segment.add(batch, await writer.append(payload), this.#options.clock.monotonicUs());
      segment.bytes = writer.bytes;
    } catch (error) {
      this.seal();
      throw error;
    }
  }

  seal(): void {
    if (this.#open === undefined) return;
    const { segment, writer } = this.#open;
    this.#open = undefined;
    const closed = writer.close().finally(() => this.#closing.delete(closed));
    this.#closing.add(closed);
    this.#options.onSealed(segment);
  }

  /** Resolves when all that was written is durable, as far as the disk works. */
  async close(): Promise<void> {
    this.#timer?.[Symbol.dispose]();
    this.seal();
    await Promise.all(this.#closing);
  }

  async #for(bytes: number): Promise<{ segment: Segment; writer: SegmentWriter }> {
    const { dir, clock, segmentBytes, onBegun, onError } = this.#options;
    if (this.#open !== undefined && this.#open.writer.bytes > 0) {
      if (this.#open.writer.bytes + bytes > segmentBytes) this.seal();
    }
    if (this.#open === undefined) {
      const segment = new Segment(this.#nextNumber++);
      await mkdir(dir, { recursive: true });
      const writer = await SegmentWriter.create(segmentFile(dir, segment.number), (error) => {
        onError(error);
        // Linux forgets that pages were not written once it has said so: what comes next belongs into another file.
        if (this.is(segment)) this.seal();
      });
      this.#timer ??= clock.setInterval(() => this.#open?.writer.sync(), SYNC_MS);
      this.#open = { segment, writer };
      onBegun(segment);
    }
    return this.#open;
  }
}
