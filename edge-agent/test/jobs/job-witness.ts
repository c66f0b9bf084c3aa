import assert from "node:assert/strict";
import { isTerminal, supersedes, type JobState } from "@edgewatt/protocol";
import { MAX_ATTEMPTS } from "../../src/jobs/job-slot.ts";

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
      assert.equal(this.#running, undefined);
      assert.ok(starts <= MAX_ATTEMPTS);
      const known = this.#newest.get(job);
      assert.ok(known === undefined || !isTerminal(known.state));
    });
    this.#running = job;
  }

  stopped(job: string): void {
    this.#check(() => assert.equal(this.#running, job));
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
        assert.deepEqual(state, known);
        return;
      }
      assert.ok(state.rev >= known.rev);
      assert.ok(state.boot >= known.boot);
      assert.ok(state.attempt >= known.attempt);
      // Position and progress are not on disk, so that of two equal states the one after a crash may show an older one.
      if (state.state !== known.state || state.attempt !== known.attempt) assert.ok(supersedes(state, known));
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
