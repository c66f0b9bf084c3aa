import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { differenceOf, type Alternation } from "../../src/measure/alternation.ts";

const watts = fc.double({ min: 0.5, max: 20, noNaN: true });

/** Stretches of one alternation on a board that drifts by `driftW` from each to the next. */
function alternation(slowW: number, deltaW: number, driftW: number): Alternation {
  return [slowW + deltaW, slowW + driftW, slowW + 2 * driftW, slowW + deltaW + 3 * driftW];
}

describe("differenceOf", () => {
  it("finds the difference exactly whatever the linear drift", () => {
    const drift = fc.double({ min: -0.5, max: 0.5, noNaN: true });
    fc.assert(
      fc.property(watts, drift, fc.array(drift, { minLength: 2, maxLength: 8 }), (slowW, deltaW, drifts) => {
        const found = differenceOf(drifts.map((driftW) => alternation(slowW, deltaW, driftW)));
        expect(found?.delta).toBeCloseTo(deltaW, 9);
        expect(found?.halfWidth95).toBeCloseTo(0, 9);
      }),
    );
  });

  it("gives Student's half-width of the differences", () => {
    const found = differenceOf([alternation(2, 0.1, 0), alternation(2, 0.2, 0), alternation(2, 0.3, 0)]);
    expect(found?.slow).toBeCloseTo(2, 9);
    expect(found?.fast).toBeCloseTo(2.2, 9);
    expect(found?.halfWidth95).toBeCloseTo((4.303 * 0.1) / Math.sqrt(3), 3);
  });

  it("says nothing after one alternation", () => {
    expect(differenceOf([alternation(2, 0.1, 0)])).toBeUndefined();
  });
});
