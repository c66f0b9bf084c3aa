import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  encodeMessage,
  isTerminal,
  JOB_STATES,
  mayFollow,
  type Command,
  type JobState,
  type Operation as OperationName,
} from "@edgewatt/protocol";
import { createLogger, systemClock } from "@edgewatt/runtime";
import { eventually, tempDir, type TempDir } from "@edgewatt/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobError } from "../../src/errors.ts";
import { JobJournal } from "../../src/jobs/journal.ts";
import { Jobs } from "../../src/jobs/jobs.ts";
import type { JobContext, Operation } from "../../src/jobs/operation.ts";
import { nextState } from "../../src/jobs/transition.ts";
import { command as newCommand } from "../agent-rig.ts";

const log = createLogger({ name: "test", level: "silent" });

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

interface Run {
  readonly job: string;
  readonly context: JobContext;
  succeed(result?: Record<string, unknown>): void;
  fail(error: Error): void;
}

/** Jobs on a real journal whose only operation ends when the test says so. */
async function start(
  options: { connected?: boolean; synchronized?: boolean; onPublish?: (state: JobState) => void } = {},
) {
  const published: JobState[] = [];
  const runs: Run[] = [];
  const link = { connected: options.connected ?? true };
  const benchmark: Operation = {
    name: "benchmark",
    parse(args) {
      return args;
    },
    run: (_args, context) =>
      new Promise((resolve, reject) => {
        context.signal.addEventListener("abort", () => reject(context.signal.reason as Error));
        runs.push({ job: context.job, context, succeed: (result = {}) => resolve(result), fail: reject });
      }),
  };
  const { journal, records } = await JobJournal.open(path.join(dir.path, "jobs"), log);
  const jobs = new Jobs({
    journal,
    records,
    operations: new Map<OperationName, Operation>([["benchmark", benchmark]]),
    boot: 1,
    clock: systemClock,
    log,
    clockSynchronized: () => options.synchronized ?? true,
    async publishState(state) {
      options.onPublish?.(state);
      if (!link.connected) throw new JobError("not connected", { code: "not-connected" });
      const onDisk = JSON.parse(await readFile(path.join(dir.path, "jobs", `${state.job}.json`), "utf8")) as {
        state: JobState;
      };
      // What is told was on disk before; progress alone is not journaled.
      expect(onDisk.state.state).toBe(state.state);
      published.push(state);
    },
    publishEvent: () => {},
    onRunning: () => {},
  });
  await jobs.start();
  const states = (job: string) => published.filter((state) => state.job === job).map((state) => state.state);
  const last = (job: string) => published.findLast((state) => state.job === job);
  const reach = (job: string, state: string) => eventually(() => expect(last(job)?.state).toBe(state));
  return { jobs, runs, published, link, states, last, reach };
}

function command(job: string, over: Partial<Command> = {}): Command {
  return newCommand(job, {}, over);
}

function send(jobs: Jobs, message: Command): void {
  jobs.receive({ op: message.op, job: message.job }, Buffer.from(encodeMessage("command", message)));
}

describe("Jobs", () => {
  it("runs one at a time, in order, and tells positions", async () => {
    const { jobs, runs, states, last, reach } = await start();
    for (const job of ["A", "B", "C"]) send(jobs, command(job));
    await reach("A", "running");
    await eventually(() => expect(last("C")?.position).toBe(2));
    expect(last("B")?.position).toBe(1);
    runs[0]?.succeed({ answer: 42 });
    await reach("B", "running");
    expect(last("A")).toMatchObject({ state: "succeeded", result: { answer: 42 }, progress: 1 });
    await eventually(() => expect(last("C")?.position).toBe(1));
    runs[1]?.fail(new JobError("no such file: publish it", { code: "artifact-missing" }));
    await reach("B", "failed");
    expect(last("B")?.reason).toEqual({ code: "artifact-missing", message: "no such file: publish it" });
    await reach("C", "running");
    await jobs.stop();
    expect(states("A")).toEqual(["accepted", "running", "succeeded"]);
    expect(last("C")).toMatchObject({ state: "interrupted", reason: { code: "interrupted" } });
  });

  it("answers a job that it knows with the stored state, and never runs it twice", async () => {
    const { jobs, runs, states, reach } = await start();
    send(jobs, command("A"));
    await reach("A", "running");
    runs[0]?.succeed();
    await reach("A", "succeeded");
    send(jobs, command("A"));
    send(jobs, command("A", { rev: 9, cancel: true }));
    await eventually(() => expect(states("A")).toEqual(["accepted", "running", "succeeded", "succeeded", "succeeded"]));
    expect(runs).toHaveLength(1);
    await jobs.stop();
  });

  it("cancels what runs and what waits, by a higher revision only", async () => {
    const { jobs, runs, last, reach } = await start();
    send(jobs, command("A"));
    send(jobs, command("B"));
    await reach("B", "accepted");
    await reach("A", "running");
    send(jobs, command("A", { rev: 1, cancel: true }));
    send(jobs, command("B", { rev: 2, cancel: true }));
    await reach("B", "canceled");
    expect(last("A")?.state).toBe("running");
    send(jobs, command("A", { rev: 2, cancel: true }));
    await reach("A", "canceled");
    expect(last("A")).toMatchObject({ rev: 2, reason: { code: "canceled", message: "canceled by test" } });
    expect(runs).toHaveLength(1);
    await jobs.stop();
  });

  it("times out", async () => {
    const { jobs, reach } = await start();
    send(jobs, command("A", { timeoutS: 0.05 }));
    await reach("A", "timed_out");
    await jobs.stop();
  });

  it("gives a job all the time that it asks for", async () => {
    const { jobs, runs, reach } = await start();
    send(jobs, command("A", { timeoutS: 3_000_000 }));
    await reach("A", "running");
    // A timer that overflows fires after 1 ms.
    await systemClock.sleep(20);
    runs[0]?.succeed();
    await reach("A", "succeeded");
    await jobs.stop();
  });

  it("ends a job that is just being started when it stops", async () => {
    let stopped: Promise<void> | undefined;
    const { jobs, runs, last } = await start({
      onPublish(state) {
        if (state.state === "running") stopped ??= jobs.stop();
      },
    });
    send(jobs, command("A"));
    await eventually(() => expect(stopped).toBeDefined());
    await stopped;
    expect(runs[0]?.context.signal.aborted).toBe(true);
    expect(last("A")?.state).toBe("interrupted");
  });

  it("fails a job whose result no message can hold, and runs the next", async () => {
    const { jobs, runs, last, reach } = await start();
    send(jobs, command("A"));
    send(jobs, command("B"));
    await reach("A", "running");
    runs[0]?.succeed({ much: "x".repeat(300_000) });
    await reach("A", "failed");
    expect(last("A")?.reason).toMatchObject({ code: "too-large" });
    expect(last("A")?.result).toBeUndefined();
    await reach("B", "running");
    await jobs.stop();
  });

  it("rejects with the reason", async () => {
    const { jobs, last, reach } = await start();
    send(jobs, command("P", { op: "prune" }));
    send(jobs, command("X", { expiresAt: Date.now() - 1000 }));
    jobs.receive({ op: "benchmark", job: "J" }, Buffer.from("not json"));
    jobs.receive({ op: "benchmark", job: "V" }, Buffer.from('{"v":2}'));
    jobs.receive({ op: "benchmark", job: "N" }, Buffer.from(encodeMessage("command", command("OTHER"))));
    for (const job of ["P", "X", "J", "V", "N"]) await reach(job, "rejected");
    expect(last("P")?.reason?.code).toBe("unsupported");
    expect(last("X")?.reason?.code).toBe("expired");
    expect(last("J")?.reason).toMatchObject({ code: "invalid", message: expect.stringMatching(/not JSON/) as string });
    expect(last("V")?.reason?.message).toMatch(/version/);
    expect(last("N")?.reason?.message).toMatch(/OTHER/);
    await jobs.stop();
  });

  it("takes eight that wait, and no more", async () => {
    const { jobs, last, reach } = await start();
    for (let i = 0; i < 10; i++) send(jobs, command(`J${i}`));
    await reach("J9", "rejected");
    expect(last("J9")?.reason?.code).toBe("busy");
    expect(last("J8")).toMatchObject({ state: "accepted", position: 8 });
    await jobs.stop();
  });

  it("ignores expiry while the clock is not synchronized", async () => {
    const { jobs, reach } = await start({ synchronized: false });
    send(jobs, command("A", { expiresAt: Date.now() - 1000 }));
    await reach("A", "running");
    await jobs.stop();
  });

  it("runs an interrupted job once more, then fails it", async () => {
    const first = await start();
    send(first.jobs, command("A"));
    send(first.jobs, command("B"));
    await first.reach("A", "running");
    await first.reach("B", "accepted");
    // No stop: as after kill -9, the journal says running.
    const second = await start();
    await second.reach("A", "running");
    expect(second.states("A")).toEqual(["interrupted", "running"]);
    expect(second.last("A")?.attempt).toBe(2);
    const third = await start();
    await third.reach("A", "failed");
    expect(third.last("A")?.reason?.code).toBe("interrupted");
    await third.reach("B", "running");
    await third.jobs.stop();
    await second.jobs.stop();
    await first.jobs.stop();
  });

  it("tells at the next connect what happened without one", async () => {
    const { jobs, runs, link, published, last } = await start({ connected: false });
    send(jobs, command("A"));
    await eventually(() => expect(runs).toHaveLength(1));
    runs[0]?.succeed();
    send(jobs, command("B"));
    await eventually(() => expect(runs).toHaveLength(2));
    expect(published).toEqual([]);
    link.connected = true;
    jobs.publishOpen();
    await eventually(() => expect(last("A")?.state).toBe("succeeded"));
    await eventually(() => expect(last("B")?.state).toBe("running"));
    published.length = 0;
    jobs.publishOpen();
    await eventually(() => expect(last("B")?.state).toBe("running"));
    expect(last("A")).toBeUndefined();
    await jobs.stop();
  });

  it("tells progress that never goes back", async () => {
    const { jobs, runs, last, published, reach } = await start();
    send(jobs, command("A"));
    await reach("A", "running");
    for (const share of [0.1, 0.5, 0.3]) runs[0]?.context.progress({ step: "measure", detail: `at ${share}`, share });
    await eventually(() => expect(last("A")).toMatchObject({ step: "measure", detail: "at 0.3", progress: 0.5 }));
    runs[0]?.succeed();
    await reach("A", "succeeded");
    expect(last("A")?.step).toBeUndefined();
    const shares = published.map(({ progress = 0 }) => progress);
    expect([...shares].sort((a, b) => a - b)).toEqual(shares);
    await jobs.stop();
  });

  it("starts with a journal that has a torn file in it", async () => {
    const first = await start();
    send(first.jobs, command("A"));
    await first.reach("A", "running");
    await first.jobs.stop();
    await writeFile(path.join(dir.path, "jobs", "torn.json"), '{"order": 1');
    const second = await start();
    await second.reach("A", "running");
    await second.jobs.stop();
  });
});

describe("nextState", () => {
  it("allows what the protocol allows, and nothing else", () => {
    fc.assert(
      fc.property(fc.constantFrom(...JOB_STATES), fc.constantFrom(...JOB_STATES), (from, to) => {
        const state: JobState = { v: 1, job: "A", op: "benchmark", rev: 1, state: from, ts: 1, boot: 1, attempt: 1 };
        const change = () => nextState(state, { state: to }, { ts: 2, boot: 3 });
        if (!mayFollow(from, to)) {
          expect(change).toThrow(/cannot go/);
          return;
        }
        expect(change()).toMatchObject({ state: to, ts: 2, boot: 3 });
        expect(change().endedAt).toBe(isTerminal(to) ? 2 : undefined);
      }),
    );
  });
});
