import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { measureStretch, type Trace } from "../../src/measure/energy.ts";

/** Samples of a power curve at a rate, with an offset that keeps them off the edges. */
function sampled(watts: (s: number) => number, rateHz: number, seconds: number): Trace {
  const n = Math.ceil(seconds * rateHz);
  const tUs = Float64Array.from({ length: n }, (_, i) => ((i + 0.37) / rateHz) * 1e6);
  return { tUs, watts: tUs.map((t) => watts(t / 1e6)), joules: null };
}

describe("measureStretch", () => {
  it("is exact for constant power", () => {
    const stretch = measureStretch(
      sampled(() => 3.5, 900, 4),
      1e6,
      3e6,
    );
    expect(stretch?.joules).toBeCloseTo(7, 12);
    expect(stretch?.meanW).toBeCloseTo(3.5, 12);
    expect(stretch?.maxW).toBeCloseTo(3.5, 12);
  });

  it("is exact for a ramp whose edges lie between samples", () => {
    const stretch = measureStretch(
      sampled((s) => 2 + 3 * s, 10, 4),
      1.033e6,
      2.871e6,
    );
    const exact = 2 * (2.871 - 1.033) + 1.5 * (2.871 ** 2 - 1.033 ** 2);
    expect(stretch?.joules).toBeCloseTo(exact, 9);
    expect(stretch?.maxW).toBeCloseTo(2 + 3 * 2.871, 9);
  });

  it("is within 0.1 % of the energy of waves with a closed form at 900 Hz", () => {
    fc.assert(
      fc.property(
        fc.record({
          base: fc.double({ min: 1, max: 5, noNaN: true }),
          swing: fc.double({ min: 0, max: 0.9, noNaN: true }),
          hz: fc.double({ min: 0.5, max: 20, noNaN: true }),
          from: fc.double({ min: 0.1, max: 1, noNaN: true }),
        }),
        ({ base, swing, hz, from }) => {
          const w = 2 * Math.PI * hz;
          const to = from + 2;
          const exact = base * (to - from) - ((base * swing) / w) * (Math.cos(w * to) - Math.cos(w * from));
          const trace = sampled((s) => base * (1 + swing * Math.sin(w * s)), 900, 4);
          const joules = measureStretch(trace, from * 1e6, to * 1e6)?.joules ?? 0;
          expect(Math.abs(joules / exact - 1)).toBeLessThan(0.001);
        },
      ),
    );
  });

  it("takes the difference of running totals where the source accumulates", () => {
    const tUs = Float64Array.of(0, 1e6, 2e6, 3e6);
    const trace: Trace = { tUs, watts: Float64Array.of(0, 2, 4, 1), joules: Float64Array.of(0, 2, 6, 7) };
    const stretch = measureStretch(trace, 0.5e6, 2.5e6);
    expect(stretch?.joules).toBeCloseTo(1 + 4 + 0.5, 12);
    expect(stretch?.maxW).toBe(4);
  });

  it("extrapolates nothing", () => {
    const trace = sampled(() => 1, 10, 2);
    expect(measureStretch(trace, 0, 1e6)).toBeUndefined();
    expect(measureStretch(trace, 0.5e6, 2.5e6)).toBeUndefined();
    expect(measureStretch({ tUs: new Float64Array(), watts: new Float64Array(), joules: null }, 0, 1)).toBeUndefined();
  });

  it("tells the longest gap between readings", () => {
    const tUs = Float64Array.of(0, 100, 200, 900, 1000);
    const trace: Trace = { tUs, watts: Float64Array.of(1, 1, 1, 1, 1), joules: null };
    expect(measureStretch(trace, 50, 950)?.longestGapUs).toBe(700);
  });
});
