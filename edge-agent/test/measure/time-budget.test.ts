import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { TimeBudget } from "../../src/measure/time-budget.ts";

describe("TimeBudget", () => {
  it("expects of what is left what the slowest took", () => {
    let nowS = 1000;
    const budget = new TimeBudget(100, () => nowS * 1e6);
    nowS += 30;
    budget.took(3);
    nowS += 20;
    budget.took(4);
    // 50 s are left, and 10 s is what a window of the slower block took.
    expect(budget.allows(5)).toBe(true);
    expect(budget.allows(6)).toBe(false);
    nowS += 1;
    expect(budget.allows(5)).toBe(false);
  });

  it("is never overrun when windows keep to the slowest so far", () => {
    const times = fc.array(fc.double({ min: 0.1, max: 30, noNaN: true }), { minLength: 1, maxLength: 30 });
    fc.assert(
      fc.property(
        times,
        fc.double({ min: 1, max: 500, noNaN: true }),
        fc.integer({ min: 1, max: 12 }),
        (tookS, budgetS, n) => {
          let nowS = 0;
          const budget = new TimeBudget(budgetS, () => nowS * 1e6);
          let slowest = 0;
          for (const [i, each] of tookS.entries()) {
            if (i > 0 && !budget.allows(n)) break;
            // The first block has no one to go by.
            const s = i === 0 ? each : Math.min(each, slowest);
            slowest = Math.max(slowest, s);
            nowS += s * n;
            budget.took(n);
            if (i > 0) expect(nowS).toBeLessThanOrEqual(budgetS * (1 + 1e-9));
          }
        },
      ),
    );
  });
});
