import { setMaxListeners } from "node:events";
import type { Command } from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import { outcomeOf } from "./outcome.ts";
import type { JobChange } from "./transition.ts";

/** How long an operation may take to let go after it was told to end; its job ends then all the same. */
const LET_GO_MS = 30_000;
/** A timer that is asked for more ends at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** One run of an operation. It has an outcome in time, also where the operation does not let go. */
export class JobRun {
  readonly job: string;
  /** What the job's state becomes; never rejects. */
  readonly outcome: Promise<JobChange>;
  /** The operation has really ended; never rejects. */
  readonly letGo: Promise<void>;
  readonly #abort = new AbortController();
  #stuck = false;

  /** @param check throws when the outcome cannot be told */
  constructor(
    { job, timeoutS }: Pick<Command, "job" | "timeoutS">,
    operate: (signal: AbortSignal) => Promise<Record<string, unknown>>,
    check: (change: JobChange) => void,
  ) {
    this.job = job;
    // A benchmark keeps a process for each of its rows, and each listens.
    setMaxListeners(0, this.#abort.signal);
    const operated = operate(this.#abort.signal);
    this.letGo = settled(operated);
    this.outcome = this.#outcome(operated, timeoutS, check);
  }

  /** Its job has ended, and it was given up waiting for the operation. */
  get isStuck(): boolean {
    return this.#stuck;
  }

  /** Tells the operation to end; the reason's code is `canceled`, `timeout` or `interrupted`. The first reason counts. */
  abort(reason: JobError): void {
    this.#abort.abort(reason);
  }

  async #outcome(
    operated: Promise<Record<string, unknown>>,
    timeoutS: number,
    check: (change: JobChange) => void,
  ): Promise<JobChange> {
    const { signal } = this.#abort;
    const timeout = new JobError(`the job took longer than ${timeoutS} s`, { code: "timeout" });
    const timer = setTimeout(() => this.abort(timeout), Math.min(timeoutS * 1000, MAX_TIMER_MS));
    let letGoTimer: NodeJS.Timeout | undefined;
    const overdue = new Promise<never>((_resolve, reject) => {
      const giveUp = () => {
        this.#stuck = true;
        reject(timeout);
      };
      signal.addEventListener("abort", () => (letGoTimer = setTimeout(giveUp, LET_GO_MS)), { once: true });
    });
    try {
      const change: JobChange = { state: "succeeded", result: await Promise.race([operated, overdue]), progress: 1 };
      check(change);
      return change;
    } catch (error) {
      return outcomeOf(error, signal);
    } finally {
      clearTimeout(timer);
      clearTimeout(letGoTimer);
    }
  }
}

async function settled(promise: Promise<unknown>): Promise<void> {
  await Promise.allSettled([promise]);
}
