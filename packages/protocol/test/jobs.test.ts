import { describe, expect, it } from "vitest";
import { isTerminal, JOB_STATES, mayFollow } from "../src/jobs.ts";

describe("job states", () => {
  it("never leave a terminal state", () => {
    for (const from of JOB_STATES.filter(isTerminal)) {
      expect(JOB_STATES.filter((to) => mayFollow(from, to))).toEqual([]);
    }
  });

  it("reach a terminal state from every other", () => {
    for (const from of JOB_STATES.filter((state) => !isTerminal(state))) {
      expect(JOB_STATES.some((to) => isTerminal(to) && mayFollow(from, to))).toBe(true);
    }
  });

  it("are rejected before they run or not at all", () => {
    expect(JOB_STATES.filter((from) => mayFollow(from, "rejected"))).toEqual(["accepted"]);
  });
});
