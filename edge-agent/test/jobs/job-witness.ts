import { isTerminal, supersedes, type JobState } from "@edgewatt/protocol";
import { expect } from "vitest";
import { MAX_ATTEMPTS } from "../../src/jobs/jobs.ts";

/** Sees what an agent does and says, across its crashes, and throws at what must never be. */
export class JobWitness {
  readonly #starts = new Map<string, number>();
  readonly #newest = new Map<string, JobState>();
  #running: string | undefined;

  /** An operation begins. */
  started(job: string): void {
    const starts = (this.#starts.get(job) ?? 0) + 1;
    this.#starts.set(job, starts);
    this.#check(() => {
      expect(this.#running).toBeUndefined();
      expect(starts).toBeLessThanOrEqual(MAX_ATTEMPTS);
      const known = this.#newest.get(job);
      expect(known === undefined || !isTerminal(known.state)).toBe(true);
    });
    this.#running = job;
  }

  stopped(job: string): void {
    this.#check(() => expect(this.#running).toBe(job));
    this.#running = undefined;
  }

  died(): void {
    this.#running = undefined;
  }

  startsOf(job: string): number {
    return this.#starts.get(job) ?? 0;
  }

  /** A state reaches the broker. */
  published(state: JobState): void {
    const known = this.#newest.get(state.job);
    this.#newest.set(state.job, state);
    if (known === undefined) return;
    this.#check(() => {
      if (isTerminal(known.state)) {
        expect(state).toEqual(known);
        return;
      }
      expect(state.rev).toBeGreaterThanOrEqual(known.rev);
      expect(state.boot).toBeGreaterThanOrEqual(known.boot);
      expect(state.attempt).toBeGreaterThanOrEqual(known.attempt);
      // Position and progress are not on disk, so that of two equal states the one after a crash may show an older one.
      if (state.state !== known.state || state.attempt !== known.attempt) expect(supersedes(state, known)).toBe(true);
    });
  }

  /** What went wrong inside of the agent's callbacks, where an error would only be logged. */
  readonly violations: unknown[] = [];

  #check(assertions: () => void): void {
    try {
      assertions();
    } catch (violation) {
      this.violations.push(violation);
    }
  }
}
