import { describe, expect, it } from "vitest";
import { LINKS, planTrials, PROCESSES, type Trial } from "../../src/faults/plan.ts";

function first(count: number, seed: number, disks = false): Trial[] {
  const plan = planTrials(seed, { disks });
  return Array.from({ length: count }, () => plan.next().value);
}

describe("planTrials", () => {
  it("is the same for the same seed, and another for another", () => {
    expect(first(100, 7)).toEqual(first(100, 7));
    expect(first(100, 7)).not.toEqual(first(100, 8));
  });

  it("hits every target in every way before it begins again", () => {
    const names = first(61, 3).map(({ target, fault }) => `${target} ${fault}`);
    expect(new Set(names).size).toBe(61);
    for (const target of PROCESSES) expect(names).toContain(`${target} kill`);
    for (const target of LINKS) expect(names).toContain(`${target} half-open`);
    expect(names).not.toContain("runner restart");
    expect(first(63, 3, true).map(({ target }) => target)).toContain("spool-disk");
  });
});
