import { readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { encodeMessage, isTerminal, JOB_STATES, mayFollow, type JobState } from "@edgewatt/protocol";
import { systemClock } from "@edgewatt/runtime";
import { eventually, tempDir, type TempDir } from "@edgewatt/testing";
import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { JobError } from "../../src/errors.ts";
import { nextState } from "../../src/jobs/transition.ts";
import { command, send, startJobs, type StartOptions } from "./jobs-rig.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

const start = (options: StartOptions = {}) => startJobs(dir.path, options);

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

  it("fails a job whose record is damaged, once, and leaves the file for whoever looks into it", async () => {
    const first = await start();
    send(first.jobs, command("A"));
    await first.reach("A", "running");
    await first.jobs.stop();
    const jobs = path.join(dir.path, "jobs");
    await writeFile(path.join(jobs, "torn.json"), '{"order": 1');
    // Left by a crash in the middle of a write.
    await writeFile(path.join(jobs, "A.json.123456789"), "{");
    const second = await start();
    await second.reach("A", "running");
    send(second.jobs, command("torn"));
    await second.reach("torn", "failed");
    expect(second.last("torn")?.reason?.code).toBe("journal-damaged");
    expect((await readdir(jobs)).toSorted()).toEqual(["A.json", "torn.json", "torn.json.damaged"]);
    await second.jobs.stop();
    const third = await start();
    send(third.jobs, command("torn"));
    await third.reach("torn", "failed");
    expect(third.runs.map(({ job }) => job)).not.toContain("torn");
    await third.jobs.stop();
  });

  it("takes from the broker's memory what its own has lost: what ended stays ended, the rest has failed", async () => {
    const state = { v: 1, op: "benchmark", rev: 3, ts: 1000, boot: 7, attempt: 1 } as const;
    const remembered: JobState[] = [
      { ...state, job: "done", state: "succeeded", endedAt: 1000, result: { answer: 42 } },
      { ...state, job: "open", state: "running", startedAt: 900, progress: 0.5 },
    ];
    const { jobs, runs, last, reach } = await start({ remembered });
    for (const job of ["done", "open"]) send(jobs, command(job, { rev: 3 }));
    await reach("open", "failed");
    await reach("done", "succeeded");
    expect(last("done")).toEqual(remembered[0]);
    expect(last("open")?.reason?.code).toBe("journal-lost");
    expect(runs).toEqual([]);
    await jobs.stop();
  });

  it("keeps the place of a job that was accepted in time, however long it waits", async () => {
    const { jobs, runs, reach } = await start();
    send(jobs, command("A"));
    await reach("A", "running");
    send(jobs, command("B", { expiresAt: Date.now() + 300 }));
    await reach("B", "accepted");
    await systemClock.sleep(400);
    runs[0]?.succeed();
    await reach("B", "running");
    await jobs.stop();
  });

  it("fails what failed, whatever code its error has", async () => {
    const { jobs, runs, last, reach } = await start();
    for (const code of ["canceled", "timeout", "interrupted"]) {
      send(jobs, command(code));
      await reach(code, "running");
      runs.at(-1)?.fail(new JobError("m".repeat(300_000), { code }));
      await reach(code, "failed");
      expect(last(code)?.reason).toEqual({ code, message: "m".repeat(2000) });
    }
    await jobs.stop();
  });

  it("told to cancel before the command came, or with the command itself, never runs it", async () => {
    const { jobs, runs, last, reach } = await start();
    send(jobs, command("A", { rev: 2, cancel: true, by: "somebody else" }));
    send(jobs, command("A", { rev: 1 }));
    send(jobs, command("A", { rev: 3 }));
    await reach("A", "canceled");
    expect(last("A")).toMatchObject({ rev: 2, reason: { message: "canceled by somebody else" } });
    expect(runs).toEqual([]);
    await jobs.stop();
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
