import type { Stream } from "@edgewatt/protocol";
import type { Clock, Logger } from "@edgewatt/runtime";
import { Batcher, type Columns, type Draft } from "./batcher.ts";
import { encodeDraft } from "./encode.ts";
import type { Sender } from "./sender.ts";
import type { Spool } from "./spool.ts";

const BATCH_MS = 500;
const WAIT_FOR_SYNC_US = 600_000_000;
/** The wall clock moved by more than slewing explains: somebody set it. */
const STEP_US = 50_000;

export interface TelemetryOptions {
  readonly boot: number;
  readonly spool: Spool;
  readonly sender: Pick<Sender, "kick">;
  readonly clock: Clock;
  readonly log: Logger;
  readonly clockSynchronized: () => boolean;
}

/**
 * Rows in, batches out: closes a batch of every stream each 500 ms, numbers it and hands it to the spool. Rows are stamped
 * on the monotonic clock; their wall-clock times are fixed when the batch is encoded, which waits for a synchronized
 * clock for at most ten minutes.
 */
export class Telemetry {
  readonly #options: TelemetryOptions;
  readonly #batcher = new Batcher();
  readonly #seq = new Map<Stream, number>();
  readonly #timer: Disposable;
  #waiting: { draft: Draft; job: string | undefined; sinceUs: number }[] = [];
  #offsetUs: number;
  #job: string | undefined;
  #storing: Promise<void> = Promise.resolve();

  constructor(options: TelemetryOptions) {
    this.#options = options;
    this.#offsetUs = options.clock.nowUs() - options.clock.monotonicUs();
    this.#timer = options.clock.setInterval(() => this.flush(), BATCH_MS);
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

  /** Wall-clock ms of a monotonic time, as it is or will be written. */
  toEpochMs(tUs: number): number {
    return Math.round((tUs + this.#offsetUs) / 1000);
  }

  /** Closes the batches now. */
  flush(): void {
    const { clock, clockSynchronized } = this.#options;
    const nowUs = clock.monotonicUs();
    for (const draft of this.#batcher.take()) this.#waiting.push({ draft, job: this.#job, sinceUs: nowUs });
    const sync = clockSynchronized();
    const ready = this.#waiting.filter(({ sinceUs }) => sync || nowUs - sinceUs >= WAIT_FOR_SYNC_US);
    if (ready.length === 0) return;
    this.#waiting = this.#waiting.filter((entry) => !ready.includes(entry));
    this.#followSteps();
    for (const { draft, job } of ready) this.#store(draft, { sync, job });
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

  #followSteps(): void {
    const { clock, log } = this.#options;
    const offsetUs = Math.round(clock.nowUs() - clock.monotonicUs());
    if (Math.abs(offsetUs - this.#offsetUs) < STEP_US) return;
    log.info({ stepMs: Math.round((offsetUs - this.#offsetUs) / 1000) }, "the wall clock was set");
    this.#offsetUs = offsetUs;
  }

  #store(draft: Draft, { sync, job }: { sync: boolean; job: string | undefined }): void {
    const { boot, spool, sender, log } = this.#options;
    const { stream } = draft;
    const nextSeq = () => {
      const seq = this.#seq.get(stream) ?? 0;
      this.#seq.set(stream, seq + 1);
      return seq;
    };
    const batches = encodeDraft(draft, { boot, sync, job, offsetUs: this.#offsetUs, nextSeq });
    const before = this.#storing;
    this.#storing = (async () => {
      await before;
      try {
        for (const batch of batches) {
          const dropped = await spool.append({ boot, stream, ...batch });
          for (const { stream: from, points } of dropped) this.#recordGap(from, points);
        }
      } catch (error) {
        log.error({ err: error }, "telemetry could not be stored");
      }
      sender.kick();
    })();
  }

  #recordGap(stream: Stream, lost: number): void {
    this.#options.log.warn({ stream, lost }, "the spool is full: the oldest points were dropped");
    this.record("event", `gap/${stream}`, this.#options.clock.monotonicUs(), { stream, lost });
  }
}
