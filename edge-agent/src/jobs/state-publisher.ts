import type { JobState } from "@edgewatt/protocol";
import type { Logger } from "@edgewatt/runtime";

/** Publishes states of jobs, and remembers which of them no broker has confirmed. */
export class StatePublisher {
  readonly #send: (state: JobState) => Promise<void>;
  readonly #log: Logger;
  /** The newest state of each job that waits for its confirmation. */
  readonly #waiting = new Map<string, JobState>();
  readonly #sending = new Set<Promise<void>>();

  constructor(send: (state: JobState) => Promise<void>, log: Logger) {
    this.#send = send;
    this.#log = log;
  }

  /** Whether the newest state of a job is not confirmed. */
  isWaiting(job: string): boolean {
    return this.#waiting.has(job);
  }

  publish(state: JobState): void {
    this.#waiting.set(state.job, state);
    const sending = this.#confirm(state);
    this.#sending.add(sending);
    void sending.finally(() => this.#sending.delete(sending));
  }

  /** Resolves when all that is being sent was confirmed or refused. */
  async settled(): Promise<void> {
    await Promise.all(this.#sending);
  }

  async #confirm(state: JobState): Promise<void> {
    try {
      await this.#send(state);
    } catch (error) {
      this.#log.debug({ job: state.job, reason: String(error) }, "a state waits for the broker");
      return;
    }
    if (this.#waiting.get(state.job) === state) this.#waiting.delete(state.job);
  }
}
