import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { observerEffect, type Alternation } from "../../src/measure/observer-effect.ts";

const watts = fc.double({ min: 0.5, max: 20, noNaN: true });

/** Stretches of one alternation on a board that drifts by `driftW` from each to the next. */
function alternation(slowW: number, deltaW: number, driftW: number): Alternation {
  return [slowW + deltaW, slowW + driftW, slowW + 2 * driftW, slowW + deltaW + 3 * driftW];
}

describe("observerEffect", () => {
  it("finds the difference exactly whatever the linear drift", () => {
    const drift = fc.double({ min: -0.5, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(watts, drift, fc.array(drift, { minLength: 2, maxLength: 8 }), (slowW, deltaW, drifts) => {
        const found = observerEffect(drifts.map((driftW) => alternation(slowW, deltaW, driftW)));
        expect(found?.deltaW).toBeCloseTo(deltaW, 9);
        expect(found?.halfWidth95W).toBeCloseTo(0, 9);
      }),
    );
  });

  it("gives Student's half-width of the differences", () => {
    const found = observerEffect([alternation(2, 0.1, 0), alternation(2, 0.2, 0), alternation(2, 0.3, 0)]);
    expect(found?.slowW).toBeCloseTo(2, 9);
    expect(found?.fastW).toBeCloseTo(2.2, 9);
    expect(found?.halfWidth95W).toBeCloseTo((4.303 * 0.1) / Math.sqrt(3), 3);
  });

  it("says nothing after one alternation", () => {
    expect(observerEffect([alternation(2, 0.1, 0)])).toBeUndefined();
  });
});
