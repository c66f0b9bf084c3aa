import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { JobError } from "../../src/errors.ts";
import { JobRun } from "../../src/jobs/job-run.ts";

const CANCEL = new JobError("canceled by test", { code: "canceled" });

describe("a run", () => {
  beforeEach(() => void vi.useFakeTimers());
  afterEach(() => void vi.useRealTimers());

  it("whose operation does not let go ends all the same, half a minute after it was told to", async () => {
    let letGo: (() => void) | undefined;
    const stubborn = () => new Promise<Record<string, unknown>>((resolve) => (letGo = () => resolve({})));
    const run = new JobRun({ job: "A", timeoutS: 7200 }, stubborn, () => {});
    run.abort(CANCEL);
    await vi.advanceTimersByTimeAsync(29_999);
    expect(run.isStuck).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    expect(await run.outcome).toEqual({ state: "canceled", reason: { code: "canceled", message: "canceled by test" } });
    expect(run.isStuck).toBe(true);
    letGo?.();
    await run.letGo;
  });

  it("that was told to end and succeeds all the same has succeeded", async () => {
    let succeed: ((result: Record<string, unknown>) => void) | undefined;
    const nearlyDone = () => new Promise<Record<string, unknown>>((resolve) => (succeed = resolve));
    const run = new JobRun({ job: "A", timeoutS: 7200 }, nearlyDone, () => {});
    run.abort(CANCEL);
    succeed?.({ answer: 42 });
    expect(await run.outcome).toEqual({ state: "succeeded", result: { answer: 42 }, progress: 1 });
    expect(run.isStuck).toBe(false);
  });

  it("keeps the first reason for its end", async () => {
    const obeys = (signal: AbortSignal) =>
      new Promise<Record<string, unknown>>((_resolve, reject) => {
        signal.addEventListener("abort", () => setTimeout(() => reject(new TypeError("aborted")), 2000));
      });
    const run = new JobRun({ job: "A", timeoutS: 1 }, obeys, () => {});
    await vi.advanceTimersByTimeAsync(1000);
    run.abort(CANCEL);
    await vi.advanceTimersByTimeAsync(2000);
    expect(await run.outcome).toMatchObject({ state: "timed_out", reason: { code: "timeout" } });
  });
});
