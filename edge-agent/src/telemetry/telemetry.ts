import { encodeMessage, type Channel, type Stream } from "@edgewatt/protocol";
import type { Clock, Logger } from "@edgewatt/runtime";
import { Batcher, type Block, type Columns } from "./batches/batcher.ts";
import { freeze } from "./batches/freeze.ts";
import type { Sender } from "./sending/sender.ts";
import { GAP_KEY } from "./spool/lost-points.ts";
import type { Spool, SpooledBatch } from "./spool/spool.ts";
import type { Release, StampedDraft, WaitingDrafts } from "./waiting/waiting-drafts.ts";

const BATCH_MS = 500;

export interface TelemetryOptions {
  readonly boot: number;
  readonly spool: Spool;
  readonly sender: Pick<Sender, "offer" | "kick">;
  readonly waiting: WaitingDrafts;
  readonly clock: Clock;
  readonly log: Logger;
  readonly clockSynchronized: () => boolean;
}

/**
 * Rows in, batches out: closes a batch of every stream each 500 ms, numbers it and hands it to the spool. Rows are stamped
 * on the monotonic clock; their wall-clock times are fixed when the batch is numbered, which waits for a synchronized clock.
 */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #batcher = new Batcher();
  readonly #seq = new Map<Stream, number>();
  readonly #timer: Disposable;
  #job: string | undefined;
  #storing: Promise<void> = Promise.resolve();
  #counts = { batches: 0, points: 0 };

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#timer = options.clock.setInterval(() => this.flush(), BATCH_MS);
  }

  /** What was handed to the spool since the start. */
  get counts(): { readonly batches: number; readonly points: number } {
    return this.#counts;
  }

  /** The job whose batches are being written. */
  setJob(job: string | undefined): void {
    if (job === this.#job) return;
    this.flush();
    this.#job = job;
  }

  /** Adds a row; `tUs` is CLOCK_MONOTONIC in µs. */
  record(stream: Stream, key: string, tUs: number, columns: Columns): void {
    this.#batcher.add(stream, key, tUs, columns);
  }

  /** Adds rows. */
  recordBlock(stream: Stream, key: string, block: Block): void {
    this.#batcher.addBlock(stream, key, block);
  }

  /** Wall-clock ms of a monotonic time, as it is or will be written. */
  toEpochMs(tUs: number): number {
    return Math.round((tUs + this.#options.waiting.offsetUs) / 1000);
  }

  /** Closes the batches now. */
  flush(): void {
    const { waiting, clockSynchronized, log } = this.#options;
    const sync = clockSynchronized();
    const release = waiting.add(this.#batcher.take(), this.#job, sync);
    const before = this.#storing;
    this.#storing = (async () => {
      await before;
      try {
        await this.#store(release);
        await this.#tellGaps(sync);
      } catch (error) {
        log.error({ err: error }, "telemetry could not be stored");
      }
      this.#options.sender.kick();
    })();
  }

  /** Closes the batches and resolves when the spool has them. */
  async settle(): Promise<void> {
    this.flush();
    await this.#storing;
  }

  async stop(): Promise<void> {
    this.#timer[Symbol.dispose]();
    await this.settle();
  }

  async #store(release: Release): Promise<void> {
    await release.note();
    for (const draft of release.ready) await this.#storeDraft(draft);
    await release.done();
  }

  /** A draft that cannot be encoded is given up alone, and told as a gap. */
  async #storeDraft({ draft, job, stamp }: StampedDraft): Promise<void> {
    const { boot, spool, log } = this.#options;
    const { stream, points } = draft;
    const seq = this.#seq.get(stream) ?? 0;
    let payload: string;
    try {
      payload = freeze(draft, { boot, seq, job, ...stamp });
    } catch (error) {
      log.error({ err: error, stream }, "a batch cannot be encoded");
      await spool.gaps.record(new Map([[stream, points]]), "a batch cannot be encoded");
      return;
    }
    await this.#append({ boot, stream, seq: this.#nextSeq(stream), points, payload });
  }

  /** Points that were dropped are points of measurement `gap`; their times were fixed when they were dropped. */
  async #tellGaps(sync: boolean): Promise<void> {
    const { boot, spool } = this.#options;
    const gaps = [...spool.gaps.pending];
    if (gaps.length === 0) return;
    const streams = [...new Set(gaps.map(({ stream }) => stream))];
    const ch = streams.map((stream): [string, Channel] => {
      const own = gaps.filter((gap) => gap.stream === stream);
      const t0 = own[0]?.atUs ?? 0;
      const dt = own.map(({ atUs }) => atUs - t0);
      return [`${GAP_KEY}${stream}`, { t0, dt, stream, lost: own.map(({ lost }) => lost) }];
    });
    const seq = this.#nextSeq("event");
    const payload = encodeMessage("telemetry", { v: 1, boot, seq, sync, ch: Object.fromEntries(ch) });
    await this.#append({ boot, stream: "event", seq, points: gaps.length, payload });
    await spool.gaps.settle(gaps);
  }

  async #append({ boot, stream, seq, payload, points }: SpooledBatch): Promise<void> {
    const batch = { boot, stream, seq, payload, points };
    await this.#options.spool.append(batch);
    this.#counts.batches += 1;
    this.#counts.points += points;
    this.#options.sender.offer(batch);
  }

  #nextSeq(stream: Stream): number {
    const seq = this.#seq.get(stream) ?? 0;
    this.#seq.set(stream, seq + 1);
    return seq;
  }
}
