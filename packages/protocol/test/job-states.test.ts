import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { JobState } from "../src/index.ts";
import { isTerminal, JOB_STATES, mayFollow } from "../src/job-states.ts";
import { supersedes } from "../src/supersedes.ts";

function state(over: Partial<JobState>): JobState {
  return { v: 1, job: "A", op: "benchmark", rev: 1, state: "accepted", ts: 1, boot: 1, attempt: 0, ...over };
}

describe("job states", () => {
  it("never leave a terminal state", () => {
    for (const from of JOB_STATES.filter(isTerminal)) {
      expect(JOB_STATES.filter((to) => mayFollow(from, to))).toEqual([]);
    }
  });

  it("reach a terminal state from every other", () => {
    for (const from of JOB_STATES.filter((name) => !isTerminal(name))) {
      expect(JOB_STATES.some((to) => isTerminal(to) && mayFollow(from, to))).toBe(true);
    }
  });

  it("are rejected before they run or not at all", () => {
    expect(JOB_STATES.filter((from) => mayFollow(from, "rejected"))).toEqual(["accepted"]);
  });
});

describe("of the states that a reader gets", () => {
  /** The life of a job with an interruption, by a clock that was set back in the middle. */
  const life = [
    state({ position: 1, ts: 100 }),
    state({ position: 0, ts: 110 }),
    state({ state: "running", attempt: 1, ts: 120, progress: 0 }),
    state({ state: "running", attempt: 1, ts: 20, progress: 0.5 }),
    state({ state: "running", attempt: 1, ts: 30, progress: 0.5, rev: 2 }),
    state({ state: "interrupted", attempt: 1, ts: 40, boot: 2, progress: 0.5, rev: 2 }),
    state({ state: "running", attempt: 2, ts: 50, boot: 2, progress: 0, rev: 2 }),
    state({ state: "succeeded", attempt: 2, ts: 10, boot: 2, progress: 1, rev: 2 }),
  ];

  it("a later one takes the place of an earlier, and never the other way round", () => {
    for (const [i, earlier] of life.entries()) {
      for (const later of life.slice(i + 1)) {
        expect(supersedes(later, earlier)).toBe(true);
        expect(supersedes(earlier, later)).toBe(false);
      }
      expect(supersedes(earlier, earlier)).toBe(false);
    }
  });

  it("the end is the same in whatever order and how often they come", () => {
    fc.assert(
      fc.property(fc.shuffledSubarray([...life, ...life], { minLength: 1 }), (seen) => {
        const kept = seen.reduce((known, next) => (supersedes(next, known) ? next : known));
        const newest = life.findLast((one) => seen.includes(one));
        expect(kept).toBe(newest);
      }),
    );
  });

  it("the first end counts", () => {
    const end = state({ state: "canceled", ts: 5 });
    for (const name of JOB_STATES) expect(supersedes(state({ state: name, attempt: 9, ts: 99 }), end)).toBe(false);
  });
});
