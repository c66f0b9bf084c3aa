import { expect, test } from "vitest";
import { Pace } from "../../../src/page/jobs/pace.ts";

const at = (progress: number, attempt = 1) => ({ attempt, progress });

test("what is left is told at the pace of the newest minutes", () => {
  const pace = new Pace();
  for (let second = 0; second <= 60; second += 5) pace.add(at(second / 100), second * 1000);
  expect(pace.remainingS(60_000)).toBeCloseTo(40);
  expect(pace.remainingS(70_000)).toBeCloseTo(30);
  expect(pace.remainingS(600_000)).toBe(0);
});

test("nothing is told before enough was seen, nor of an earlier attempt", () => {
  const pace = new Pace();
  expect(pace.remainingS(0)).toBeUndefined();
  pace.add(at(0.1), 0);
  pace.add(at(0.3), 5_000);
  expect(pace.remainingS(5_000)).toBeUndefined();
  pace.add(at(0.5), 20_000);
  expect(pace.remainingS(20_000)).toBeDefined();
  pace.add(at(0, 2), 30_000);
  expect(pace.remainingS(30_000)).toBeUndefined();
});
