import { rename, rm, stat, symlink, writeFile } from "node:fs/promises";
import path from "node:path";
import { eventually, mountSmallDisk, tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { KEPT_JOBS } from "../../src/jobs/retention.ts";
import { command, send, startJobs } from "./jobs-rig.ts";

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

const jobsDir = () => path.join(dir.path, "jobs");

/** The folder of the journal becomes one in which the kernel lets nobody create anything, root included. */
async function breakDisk(): Promise<void> {
  await rename(jobsDir(), `${jobsDir()}.away`);
  await symlink("/proc/self/fdinfo", jobsDir());
}

async function mendDisk(): Promise<void> {
  await rm(jobsDir());
  await rename(`${jobsDir()}.away`, jobsDir());
}

describe("while the journal cannot be written", () => {
  it("a new job is not told anything, and is taken when it can", async () => {
    const { jobs, runs, faults, states, reach } = await startJobs(dir.path);
    send(jobs, command("first"));
    await reach("first", "running");
    await breakDisk();
    const message = command("A");
    for (let again = 0; again < 3; again++) send(jobs, message);
    await eventually(() => expect(faults).toHaveLength(1));
    expect(faults[0]).toMatchObject({ code: "journal", job: "A", message: expect.stringMatching(/cannot be written/) });
    jobs.publishOpen();
    expect(runs).toHaveLength(1);
    expect(states("A")).toEqual([]);
    await mendDisk();
    await reach("A", "accepted");
    expect(faults[1]).toEqual({ code: "journal", job: "A", message: undefined });
    // What was received three times meanwhile was handled once.
    expect(states("A")).toEqual(["accepted"]);
    await jobs.stop();
  });

  it("an end is not told either, no other job starts, and a cancellation ends what runs at once", async () => {
    const { jobs, runs, last, reach, faults } = await startJobs(dir.path);
    for (const job of ["A", "B", "C"]) send(jobs, command(job));
    await reach("C", "accepted");
    await reach("A", "running");
    await breakDisk();
    runs[0]?.succeed({ answer: 42 });
    await eventually(() => expect(faults).toHaveLength(1));
    expect(runs).toHaveLength(1);
    expect(last("A")?.state).toBe("running");
    await mendDisk();
    await reach("A", "succeeded");
    await reach("B", "running");
    await breakDisk();
    send(jobs, command("D"));
    await eventually(() => expect(faults).toHaveLength(3));
    send(jobs, command("B", { rev: 2, cancel: true }));
    expect(runs[1]?.context.signal.aborted).toBe(true);
    await mendDisk();
    await reach("B", "canceled");
    expect(last("B")?.rev).toBe(2);
    await reach("C", "running");
    await jobs.stop();
  });

  it("stops in time, and what was not journaled happens after the next start", async () => {
    const first = await startJobs(dir.path);
    send(first.jobs, command("A"));
    await first.reach("A", "running");
    await breakDisk();
    first.runs[0]?.succeed();
    send(first.jobs, command("B"));
    await eventually(() => expect(first.faults).toHaveLength(1));
    await first.jobs.stop();
    expect(first.states("A")).toEqual(["accepted", "running"]);
    await mendDisk();
    const second = await startJobs(dir.path);
    send(second.jobs, command("B"));
    await second.reach("A", "running");
    await second.reach("B", "accepted");
    expect(second.last("A")?.attempt).toBe(2);
    await second.jobs.stop();
  });

  it("as the disk is full, it waits as well", async (context) => {
    using disk = mountSmallDisk(jobsDir());
    if (disk === undefined) return context.skip("mounting a small disk needs root");
    const { jobs, runs, last, reach, faults } = await startJobs(dir.path);
    send(jobs, command("A"));
    await reach("A", "running");
    const ballast = path.join(jobsDir(), "ballast");
    await writeFile(ballast, Buffer.alloc(300_000)).catch(() => {});
    expect((await stat(ballast)).size).toBeLessThan(300_000);
    runs[0]?.succeed({ much: "x".repeat(20_000) });
    await eventually(() => expect(faults[0]?.message).toMatch(/ENOSPC/));
    expect(last("A")?.state).toBe("running");
    await rm(ballast);
    await reach("A", "succeeded");
    await jobs.stop();
    return undefined;
  });
});

describe("of many ended jobs", () => {
  it("the newest are kept, and what was forgotten never runs again", async () => {
    const more = 5;
    const names = Array.from({ length: KEPT_JOBS + more }, (_, i) => `J${String(i).padStart(3, "0")}`);
    const oldest = names.slice(0, more);
    const first = await startJobs(dir.path);
    const endAll = async () => {
      for (const job of names) {
        send(first.jobs, command(job));
        await first.reach(job, "running");
        first.runs.at(-1)?.succeed();
        await first.reach(job, "succeeded");
      }
    };
    await endAll();
    await eventually(() => expect(first.takenBack).toEqual(oldest));
    const published = first.published.length;
    // The broker had it still, under way or from another time.
    send(first.jobs, command("J000"));
    await eventually(() => expect(first.takenBack).toEqual([...oldest, "J000"]));
    expect(first.published).toHaveLength(published);
    await first.jobs.stop();

    // A crash cut the last line.
    await writeFile(path.join(jobsDir(), "forgotten.txt"), "J00", { flag: "a" });
    const second = await startJobs(dir.path);
    for (const job of names) send(second.jobs, command(job));
    await eventually(() => expect(second.takenBack.toSorted()).toEqual(oldest));
    await eventually(() => expect(new Set(second.published.map(({ job }) => job))).toEqual(new Set(names.slice(more))));
    expect(second.published.every(({ state }) => state === "succeeded")).toBe(true);
    expect(second.runs).toEqual([]);
    await second.jobs.stop();
  });

  it("none is forgotten that the broker has not confirmed, or does not let go of", async () => {
    const { jobs, runs, link, takenBack } = await startJobs(dir.path, { connected: false });
    for (let i = 0; i <= KEPT_JOBS; i++) {
      send(jobs, command(`J${i}`));
      await eventually(() => expect(runs).toHaveLength(i + 1));
      runs[i]?.succeed();
    }
    jobs.publishOpen();
    expect(takenBack).toEqual([]);
    link.connected = true;
    await eventually(() => {
      jobs.publishOpen();
      expect(takenBack).toEqual(["J0"]);
    });
    await jobs.stop();
  });
});
