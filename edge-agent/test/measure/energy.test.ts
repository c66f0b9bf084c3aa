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
    // The last reading inside, at 2.837 s.
    expect(stretch?.maxW).toBeCloseTo(2 + 3 * 2.837, 9);
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

  it("prefers a chip's own total to its readings, and compares them", () => {
    const { tUs, watts } = sampled((s) => 3 + Math.sin(s), 50, 6);
    const curve = (s: number) => 3 * s - Math.cos(s);
    const joules = tUs.map((t) => 1.02 * curve(t / 1e6));
    const stretch = measureStretch({ tUs, watts, joules }, 1e6, 5e6);
    expect(stretch?.joules).toBeCloseTo(1.02 * (curve(5) - curve(1)), 3);
    expect(stretch?.maxW).toBeCloseTo(
      Math.max(...watts.filter((_, i) => (tUs[i] ?? 0) > 1e6 && (tUs[i] ?? 0) < 5e6)),
      12,
    );
    expect(stretch?.checks.total).toBeCloseTo(0.02, 4);
  });

  it("compares nothing where the readings are differences of the total, or too few", () => {
    const tUs = Float64Array.from({ length: 40 }, (_, i) => i * 1e5);
    const joules = tUs.map((t) => 3 * (t / 1e6) + Math.sin(t / 1e6));
    const watts = joules.map((total, i) => (total - (joules[i - 1] ?? 0)) / 0.1);
    expect(measureStretch({ tUs, watts, joules }, 0.55e6, 3.05e6)?.checks).toEqual({
      total: null,
      meanTimesTime: null,
    });
  });

  it("finds uneven sampling by mean power times time", () => {
    const even = sampled((s) => (s % 1 < 0.5 ? 2 : 4), 1000, 4);
    expect(Math.abs(measureStretch(even, 1e6, 3e6)?.checks.meanTimesTime ?? 1)).toBeLessThan(0.002);
    // Half of the readings of the upper level are lost.
    const kept = [...even.tUs.keys()].filter((i) => (even.watts[i] ?? 0) < 3 || i % 2 === 0);
    const uneven: Trace = {
      tUs: Float64Array.from(kept, (i) => even.tUs[i] ?? 0),
      watts: Float64Array.from(kept, (i) => even.watts[i] ?? 0),
      joules: null,
    };
    const stretch = measureStretch(uneven, 1e6, 3e6);
    expect(stretch?.joules).toBeCloseTo(6, 2);
    expect(stretch?.checks.meanTimesTime).toBeCloseTo(8 / 3 / 3 - 1, 2);
    // 1000 of 2000 are of the upper level, and the one after the end counts up to there.
    expect(stretch?.missing).toBe(501);
  });

  it("counts readings as missing that a meter hardly ever gave, but not those of a slow clock", () => {
    const every = (us: number): Trace => {
      const tUs = Float64Array.from({ length: Math.ceil(2.1e6 / us) }, (_, i) => i * us);
      return { tUs, watts: new Float64Array(tUs.length).fill(2), joules: null };
    };
    const missing = (us: number, periodUs?: number) =>
      measureStretch(every(us), 0.1e6, 1.9e6, periodUs === undefined ? {} : { periodUs })?.missing;
    expect(missing(2128)).toBe(0);
    // Every other conversion was missed: as many are missing as came.
    expect((missing(2128, 1064) ?? 0) / (1.8e6 / 2128)).toBeCloseTo(1, 2);
    // Some were: all that a chip as slow as may be would have given are not there.
    expect((missing(1500, 1176) ?? 0) / (1.8e6 / 1500)).toBeCloseTo(1500 / (1.12 * 1176) - 1, 2);
    expect(missing(1172, 1064)).toBe(0);
    expect(missing(958, 1064)).toBe(0);
  });

  it("tells rate, jitter and missing readings", () => {
    const period = 1000;
    const times = Array.from({ length: 2001 }, (_, i) => i * period + (i % 50 === 0 ? 90 : 0)).filter(
      (_, i) => i !== 700 && i !== 701 && i !== 1200,
    );
    const trace: Trace = { tUs: Float64Array.from(times), watts: new Float64Array(times.length).fill(2), joules: null };
    const stretch = measureStretch(trace, 100_500, 1_900_500, { volts: 5.1 });
    expect(stretch).toMatchObject({ missing: 3, longestGapUs: 3000, volts: 5.1 });
    // From 90 µs after 100 000 to 1 901 000: 1798 intervals.
    expect(stretch?.rateHz).toBeCloseTo(1798 / ((1_901_000 - 100_090) / 1e6), 6);
    expect(stretch?.jitterP99Us).toBeCloseTo(90, 6);
  });

  it("finds the largest 10 ms between readings, and none for a slow meter", () => {
    // 6 W for 5 ms and 2 W otherwise: (5 · 6 + 5 · 2) / 10 = 4 W.
    const pulse = sampled((s) => (s > 0.5 && s < 0.505 ? 6 : 2), 10_000, 2);
    const stretch = measureStretch(pulse, 0.1e6, 1.9e6);
    expect(stretch?.maxW).toBe(6);
    expect(stretch?.max10msW).toBeCloseTo(4, 1);
    expect(
      measureStretch(
        sampled(() => 2, 99, 2),
        0.1e6,
        1.9e6,
      )?.max10msW,
    ).toBeNull();
    expect(measureStretch(pulse, 0.1e6, 0.105e6)?.max10msW).toBeNull();
  });
});
