import { describe, expect, it } from "vitest";
import { monotonicUs } from "../../src/process/monotonic.ts";
import { sampledMonotonicUs } from "../../src/sampler/clock.ts";

const hrtimeUs = () => Number(process.hrtime.bigint()) / 1000;

describe("the sampling loop's clock", () => {
  it("is CLOCK_MONOTONIC as all processes read it, from the same origin", () => {
    for (let i = 0; i < 1000; i++) {
      const beforeUs = hrtimeUs();
      const us = sampledMonotonicUs();
      expect(us).toBeGreaterThanOrEqual(beforeUs);
      expect(us).toBeLessThanOrEqual(hrtimeUs());
    }
  });

  it("never goes back and tells fractions of a microsecond", () => {
    const times = Array.from({ length: 10_000 }, sampledMonotonicUs);
    expect(times.every((us, i) => i === 0 || us >= (times[i - 1] ?? 0))).toBe(true);
    expect(times.some((us) => us !== Math.trunc(us))).toBe(true);
  });

  it("tells the same time as the clock of the other processes", () => {
    // The closest of many pairs: between the two calls this process may be held up.
    const apart = Array.from({ length: 1000 }, () => {
      const other = monotonicUs();
      return Math.abs(sampledMonotonicUs() - other);
    });
    expect(Math.min(...apart)).toBeLessThan(20);
  });
});
