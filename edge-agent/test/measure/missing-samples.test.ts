import { expect, it } from "vitest";
import { missingShare } from "../../src/measure/missing-samples.ts";

function trace(times: readonly number[]) {
  return { tUs: Float64Array.from(times), watts: new Float64Array(times.length), joules: null };
}

const REGULAR = Array.from({ length: 1001 }, (_, i) => i * 1170);

it("counts readings that a gap lacks by the meter's own period, not a nominal one", () => {
  expect(missingShare(trace(REGULAR), 0, 1e9)).toBe(0);
  const dropped = REGULAR.filter((_, i) => i !== 500 && (i < 700 || i > 703));
  expect(missingShare(trace(dropped), 0, 1e9)).toBeCloseTo(5 / 1001, 9);
  expect(missingShare(trace(dropped), 0, 400 * 1170)).toBe(0);
});

it("does not count jitter", () => {
  expect(missingShare(trace(REGULAR.map((t, i) => t + (i % 3) * 200)), 0, 1e9)).toBe(0);
});

it("says nothing of too few readings or of running totals", () => {
  expect(missingShare(trace([0, 1]), 0, 10)).toBeUndefined();
  expect(missingShare({ ...trace(REGULAR), joules: new Float64Array(1001) }, 0, 1e9)).toBeUndefined();
});
