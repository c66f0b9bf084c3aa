import type { JobStateName, Run } from "@edgewatt/protocol";
import { expect, test } from "vitest";
import { isBehind } from "../../../src/page/runs/runs-behind.ts";

const jobOf = (index: number) => `01KAQ3N9V4M6T2X8Z0B1C5D${String(index).padStart(3, "0")}`;
const runOf = (job: string, state: JobStateName) =>
  ({ device: "pi-1", job, op: "benchmark", command: null, state: { state } }) as Run;
const heardOf = (jobs: readonly string[], state: JobStateName) =>
  new Map(jobs.map((job) => [`pi-1/${job}`, { job, state }] as const));

const all = Array.from({ length: 120 }, (_, index) => jobOf(index)).toReversed();
const newest = all.slice(0, 100).map((job) => runOf(job, "succeeded"));

test("the hub is behind while it has not recorded a job, or its newest state", () => {
  const job = jobOf(1);
  expect(isBehind([], heardOf([job], "accepted"))).toBe(true);
  expect(isBehind([runOf(job, "accepted")], heardOf([job], "running"))).toBe(true);
  expect(isBehind([runOf(job, "running")], heardOf([job], "running"))).toBe(false);
  expect(isBehind([runOf(jobOf(2), "running")], heardOf([job], "running"))).toBe(true);
  expect(isBehind(newest, heardOf([jobOf(500)], "accepted"))).toBe(true);
});

test("it is not for jobs that are older than those it answers with", () => {
  expect(isBehind(newest, heardOf(all, "succeeded"))).toBe(false);
});
