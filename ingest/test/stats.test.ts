import { expect, it } from "vitest";
import { IngestStats } from "../src/stats.ts";

it("reports what was counted since the last report that was kept", () => {
  const stats = new IngestStats();
  stats.counts.points += 5;
  stats.counts.batches += 1;
  expect(stats.sinceReport()).toEqual({ points: 5, acks: 0, batches: 1, deadLetters: 0 });
  stats.counts.points += 2;
  expect(stats.sinceReport()).toMatchObject({ points: 7 });
  stats.reported();
  stats.counts.points += 1;
  expect(stats.sinceReport()).toMatchObject({ points: 1, batches: 0 });
});

it("counts a device once in an interval", () => {
  const stats = new IngestStats();
  for (const device of ["a", "b", "a"]) stats.served(device);
  expect(stats.ownedDevices).toBe(0);
  stats.reported();
  expect(stats.ownedDevices).toBe(2);
  stats.reported();
  expect(stats.ownedDevices).toBe(0);
});

it("sorts writes by their time, each bucket with those below it", () => {
  const stats = new IngestStats();
  for (const seconds of [0.001, 0.005, 0.3, 100]) stats.wrote(seconds);
  const { count, sumS, buckets } = stats.writeTimes;
  expect(count).toBe(4);
  expect(sumS).toBeCloseTo(100.306);
  expect(buckets.find(({ leS }) => leS === 0.005)?.count).toBe(2);
  expect(buckets.find(({ leS }) => leS === 0.25)?.count).toBe(2);
  expect(buckets.at(-1)).toEqual({ leS: 60, count: 3 });
});
