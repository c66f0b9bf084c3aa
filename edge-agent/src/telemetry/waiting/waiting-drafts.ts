import type { Clock, Logger } from "@edgewatt/runtime";
import type { Draft } from "../batches/batcher.ts";
import type { Stamp, WaitingLog } from "./waiting-log.ts";

const WAIT_FOR_SYNC_US = 600_000_000;
/** Drafts are in memory too; beyond this the oldest do not wait any longer. */
const MAX_POINTS = 1_000_000;
/** The wall clock moved by more than slewing explains: somebody set it. */
const STEP_US = 50_000;

interface WaitingDraft {
  readonly draft: Draft;
  readonly job: string | undefined;
  readonly takenUs: number;
}

/** A draft with the wall clock that it is stamped by. */
export interface StampedDraft extends Pick<WaitingDraft, "draft" | "job"> {
  readonly stamp: Stamp;
}

/** What goes now, and what must be written around its way to the spool. */
export interface Release {
  readonly ready: readonly StampedDraft[];
  /** Before the first of them is stored. */
  note(): Promise<void>;
  /** When all of them are stored. */
  done(): Promise<void>;
}

export interface WaitingDraftsOptions {
  readonly waitingLog: WaitingLog;
  readonly clock: Clock;
  readonly log: Logger;
}

/**
 * Decides when drafts are stamped, which happens once: at once by a synchronized clock; else when it is synchronized, or after
 * ten minutes by the clock as it is.
 */
export class WaitingDrafts {
  readonly #options: WaitingDraftsOptions;
  #waiting: WaitingDraft[];
  #left: readonly StampedDraft[];
  #offsetUs: number;

  constructor(options: WaitingDraftsOptions) {
    const { clock, waitingLog } = options;
    this.#options = options;
    this.#offsetUs = Math.round(clock.nowUs() - clock.monotonicUs());
    this.#waiting = waitingLog.left.filter(({ stamp }) => stamp === undefined);
    this.#left = waitingLog.left.flatMap(({ draft, job, stamp }) => (stamp === undefined ? [] : { draft, job, stamp }));
  }

  /** From CLOCK_MONOTONIC to the wall clock, µs: what the next draft is stamped by. */
  get offsetUs(): number {
    return this.#offsetUs;
  }

  get count(): number {
    return this.#waiting.length;
  }

  /**
   * Takes new drafts in, and says which go now.
   * @param sync whether the clock is synchronized
   */
  add(drafts: readonly Draft[], job: string | undefined, sync: boolean): Release {
    const { clock, waitingLog } = this.#options;
    const takenUs = clock.monotonicUs();
    const offsetUs = Math.round(clock.nowUs() - takenUs);
    const all = [...this.#waiting, ...drafts.map((draft) => ({ draft, job, takenUs }))];
    const noted = this.#waiting.length;
    const going = this.#goingCount(all, sync);
    this.#waiting = all.slice(going);
    if (going > 0) this.#followSteps(offsetUs);
    const stamp = { offsetUs: this.#offsetUs, sync };
    const ready = [
      ...this.#left,
      ...all.slice(0, going).map((entry) => ({ draft: entry.draft, job: entry.job, stamp })),
    ];
    const gone = this.#left.length + Math.min(going, noted);
    this.#left = [];
    const waiting = this.#waiting.length;
    // What goes at once is never written down.
    const toNote = all.slice(Math.max(going, noted));
    return {
      ready,
      async note() {
        await waitingLog.freeze(Math.min(going, noted), stamp);
        for (const entry of toNote) await waitingLog.append(entry.draft, { takenUs, offsetUs, job });
      },
      async done() {
        await waitingLog.done(gone, waiting);
      },
    };
  }

  /** How many of the oldest need not wait any longer. */
  #goingCount(all: readonly WaitingDraft[], sync: boolean): number {
    if (sync) return all.length;
    const nowUs = this.#options.clock.monotonicUs();
    let points = all.reduce((sum, { draft }) => sum + draft.points, 0);
    const first = all.findIndex(({ draft, takenUs }) => {
      const mayWait = nowUs - takenUs < WAIT_FOR_SYNC_US && points <= MAX_POINTS;
      points -= draft.points;
      return mayWait;
    });
    return first < 0 ? all.length : first;
  }

  #followSteps(offsetUs: number): void {
    if (Math.abs(offsetUs - this.#offsetUs) < STEP_US) return;
    this.#options.log.info({ stepMs: Math.round((offsetUs - this.#offsetUs) / 1000) }, "the wall clock was set");
    this.#offsetUs = offsetUs;
  }
}
