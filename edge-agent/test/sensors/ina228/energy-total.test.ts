import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { EnergyTotal } from "../../../src/sensors/ina228/energy-total.ts";

const MODULUS = 2 ** 40;
/** No power fills more in this time. */
const PERIOD_US = 17_280;
const MAX_PER_PERIOD = Math.floor(2 ** 20 * (PERIOD_US / 1e6));

describe("EnergyTotal", () => {
  it("is the sum of what was counted, however often the counter wraps", () => {
    const increments = fc.array(fc.tuple(fc.integer({ min: 0, max: MODULUS - 1 }), fc.nat(MAX_PER_PERIOD)));
    fc.assert(
      fc.property(increments, (steps) => {
        const total = new EnergyTotal();
        let sum = 0;
        let tUs = 0;
        const add = (increment: number, isTold: boolean) => {
          const wraps = (sum % MODULUS) + increment >= MODULUS;
          sum += increment;
          tUs += PERIOD_US;
          expect(total.add(sum % MODULUS, wraps && isTold, tUs)).toBe(true);
        };
        for (const [much, little] of steps) {
          add(much, true);
          // The chip clears its flag when the counter is read: one that wraps in between is never told.
          add(little, false);
        }
        expect(total.countsBefore(0)).toBe(sum);
      }),
    );
  });

  it("never takes a restart for more energy than there can be", () => {
    const raw = fc.integer({ min: 0, max: MODULUS - 1 });
    fc.assert(
      fc.property(raw, raw, (before, after) => {
        fc.pre(after < before);
        const total = new EnergyTotal();
        total.add(before, false, 0);
        const counted = total.add(after, false, PERIOD_US);
        const counts = total.countsBefore(0);
        if (counted) expect(counts - before).toBeLessThan(1.02 * MAX_PER_PERIOD);
        else expect(counts).toBe(before);
        total.add(after + 10, false, 2 * PERIOD_US);
        expect(total.countsBefore(0)).toBe(counts + 10);
      }),
    );
  });

  it("goes on from 0 after a restart that is known", () => {
    const total = new EnergyTotal();
    total.add(1000, false, 0);
    total.restart();
    expect(total.add(7, false, PERIOD_US)).toBe(true);
    expect(total.countsBefore(0)).toBe(1007);
  });

  it("never gives less than before", () => {
    const total = new EnergyTotal();
    total.add(1000, false, 0);
    expect(total.countsBefore(100)).toBe(900);
    expect(total.countsBefore(400)).toBe(900);
    total.add(1400, false, PERIOD_US);
    expect(total.countsBefore(400)).toBe(1000);
  });
});
