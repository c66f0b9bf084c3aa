import { appendFile, readFile, rm, writeFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import path from "node:path";
import { decodeMessage, formatTopic, type Results, type Run } from "@edgewatt/protocol";
import { eventually, mountSmallDisk, startBroker, tempDir } from "@edgewatt/testing";
import { createLogger } from "@edgewatt/runtime";
import { expect, test } from "vitest";
import { Journal } from "../src/journal/journal.ts";
import { connectTo, startHub, startStack } from "./stack.ts";
import { VirtualDevice } from "./virtual-device.ts";

async function json<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new TypeError(`${url} answered ${response.status}`);
  return (await response.json()) as T;
}

const runsOf = async (url: string) => (await json<{ jobs: Run[] }>(`${url}/api/runs`)).jobs;

test("the API knows commands, states and merged results, newest first", async () => {
  await using stack = await startStack();
  const device = new VirtualDevice(stack.connection, "pi-1");
  expect((await fetch(`${stack.url}/api/results`)).status).toBe(404);
  expect((await fetch(`${stack.url}/api/runs/none`)).status).toBe(404);
  await device.command("job-1");
  await device.jobState({ job: "job-1", state: "succeeded", result: { results: device.results() } });
  await device.command("job-2");
  await device.jobState({ job: "job-2", state: "running", progress: 0.1 });
  await eventually(async () =>
    expect((await runsOf(stack.url)).map((run) => run.state?.state)).toEqual(["running", "succeeded"]),
  );
  const run = await json<Run>(`${stack.url}/api/runs/job-2`);
  expect(run).toMatchObject({ device: "pi-1", job: "job-2", op: "benchmark", command: { by: "test@host" } });
  const results = await json<Results>(`${stack.url}/api/results`);
  expect(results.rows).toHaveLength(8);
  const figure = await fetch(`${stack.url}/api/figures/pareto.svg`);
  expect(figure.headers.get("content-type")).toContain("image/svg+xml");
  expect(await figure.text()).toContain("<title");
  expect((await fetch(`${stack.url}/api/figures/none.svg`)).status).toBe(404);
});

test("an ended job does not change any more, and a lower rev does not replace a higher", async () => {
  await using stack = await startStack();
  const device = new VirtualDevice(stack.connection, "pi-1");
  await device.command("job-1", 2);
  await device.command("job-1", 1);
  await device.jobState({ job: "job-1", state: "canceled" });
  await device.jobState({ job: "job-1", state: "running", ts: Date.now() + 1000 });
  await device.jobState({ job: "job-2", state: "running" });
  await eventually(async () => expect(await runsOf(stack.url)).toHaveLength(2));
  const run = await json<Run>(`${stack.url}/api/runs/job-1`);
  expect(run.command?.rev).toBe(2);
  expect(run.state?.state).toBe("canceled");
});

test("the journal survives kill -9 and a line that the crash cut", async () => {
  await using stack = await startStack();
  const device = new VirtualDevice(stack.connection, "pi-1");
  await device.command("job-1");
  await device.jobState({ job: "job-1", state: "succeeded", result: { results: device.results() } });
  const file = path.join(stack.dir, "hub", "journal", "jobs.jsonl");
  await eventually(async () => expect((await readFile(file, "utf8")).split("\n").length).toBeGreaterThan(2));
  await stack.hub.stop("SIGKILL");
  await appendFile(file, '{"kind":"command","device":"pi-1","mess');

  // A broker that knows nothing: what the new hub says comes from its disk.
  const broker = await startBroker();
  const hub = await startHub({ broker: broker.url, dir: stack.dir });
  try {
    expect((await runsOf(hub.ready["hub"] as string)).map((run) => [run.job, run.state?.state])).toEqual([
      ["job-1", "succeeded"],
    ]);
    expect((await json<Results>(`${hub.ready["hub"]}/api/results`)).rows).toHaveLength(8);
    for (const line of (await readFile(file, "utf8")).trimEnd().split("\n"))
      expect(() => JSON.parse(line) as unknown).not.toThrow();
  } finally {
    await hub.stop();
    await broker.stop();
  }
});

test("retained commands of open jobs that the broker lost come back unchanged, those of ended or expired jobs do not", async () => {
  await using dir = await tempDir();
  const first = await startBroker();
  const port = Number(new URL(first.url).port);
  const hub = await startHub({ broker: first.url, dir: dir.path });
  const author = await connectTo(first.url);
  const device = new VirtualDevice(author, "pi-1");
  await device.command("open", 3);
  await device.jobState({ job: "open", state: "running" });
  await device.command("unanswered");
  await device.command("ended");
  await device.jobState({ job: "ended", state: "failed" });
  await device.command("expired", 1, { expiresAt: Date.now() + 10 });
  const before = await eventually(async () => {
    const runs = await runsOf(hub.ready["hub"] as string);
    expect(runs.filter((run) => run.command !== null)).toHaveLength(4);
    expect(runs.filter((run) => run.state !== null)).toHaveLength(2);
    return runs;
  });
  await author.close();
  await first.stop("SIGKILL");

  const second = await startBroker({ mqttPort: port });
  const connection = await connectTo(second.url);
  try {
    const seen = new Map<string, unknown>();
    await connection.subscribe("edgewatt/v1/+/cmd/+/+", ({ topic, payload }) =>
      seen.set(topic, decodeMessage("command", payload)),
    );
    await eventually(() => {
      expect([...seen.keys()].toSorted()).toEqual(
        ["open", "unanswered"].map((job) => formatTopic({ kind: "command", device: "pi-1", op: "benchmark", job })),
      );
    });
    expect(seen.get(formatTopic({ kind: "command", device: "pi-1", op: "benchmark", job: "open" }))).toEqual(
      before.find((run) => run.job === "open")?.command,
    );
  } finally {
    await connection.close();
    await hub.stop();
    await second.stop();
  }
});

test("a cancellation that an author gave its older command the place of comes back; of an ended job nothing does", async () => {
  await using stack = await startStack();
  const device = new VirtualDevice(stack.connection, "pi-1");
  const revs: string[] = [];
  await stack.connection.subscribe("edgewatt/v1/+/cmd/+/+", ({ payload }) => {
    const { job, rev } = decodeMessage("command", payload);
    revs.push(`${job} ${rev}`);
  });
  await device.command("ended", 2);
  await device.jobState({ job: "ended", state: "canceled", rev: 2 });
  await device.command("open", 2);
  await eventually(async () => expect(await runsOf(stack.url)).toHaveLength(2));
  await device.command("ended", 1);
  await device.command("open", 1);
  await eventually(() => expect(revs.at(-1)).toBe("open 2"));
  expect(revs).toEqual(["ended 2", "open 2", "ended 1", "open 1", "open 2"]);
});

test("of very many jobs the newest are kept, and none that is open is forgotten for one that has ended", async () => {
  await using dir = await tempDir();
  const log = createLogger({ name: "test", level: "fatal" });
  const file = path.join(dir.path, "jobs.jsonl");
  const journal = await Journal.open(file, log);
  const state = { v: 1, op: "benchmark", rev: 1, boot: 1, attempt: 1 } as const;
  journal.state("pi-1", { ...state, job: "open", state: "running", ts: 1 });
  for (let ts = 2; ts < 1100; ts++) journal.state("pi-1", { ...state, job: `job-${ts}`, state: "succeeded", ts });
  const kept = journal.runs().map((run) => run.job);
  expect(kept).toHaveLength(1000);
  expect(kept[0]).toBe("job-1099");
  expect(kept.at(-1)).toBe("open");
  await journal.close();
  const again = await Journal.open(file, log);
  expect(again.runs().map((run) => run.job)).toEqual(kept);
  await again.close();
  expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(1000);
});

test("of two states of the same millisecond the second counts, and the same state again is not written again", async () => {
  await using dir = await tempDir();
  const file = path.join(dir.path, "jobs.jsonl");
  const journal = await Journal.open(file, createLogger({ name: "test", level: "fatal" }));
  const state = { v: 1, op: "benchmark", rev: 1, boot: 1, attempt: 1, job: "job-1", ts: 5 } as const;
  journal.state("pi-1", { ...state, state: "accepted", position: 0 });
  journal.state("pi-1", { ...state, state: "running" });
  journal.state("pi-1", { ...state, state: "running" });
  expect(journal.runOf("job-1")?.state?.state).toBe("running");
  await journal.close();
  expect((await readFile(file, "utf8")).trimEnd().split("\n")).toHaveLength(2);
});

test("what a full disk did not take is written when there is room again", async (context) => {
  await using dir = await tempDir();
  const small = path.join(dir.path, "small");
  using disk = mountSmallDisk(small);
  if (disk === undefined) return context.skip("mounting a small disk needs root");
  const log = createLogger({ name: "test", level: "silent" });
  const file = path.join(small, "jobs.jsonl");
  const journal = await Journal.open(file, log);
  const ballast = path.join(small, "ballast");
  await writeFile(ballast, Buffer.alloc(300_000)).catch(() => {});
  const state = { v: 1, op: "benchmark", rev: 1, boot: 1, attempt: 1, ts: 1 } as const;
  for (let i = 0; i < 20; i++) journal.state("pi-1", { ...state, job: `job-${i}`, state: "succeeded" });
  await sleep(300);
  expect((await readFile(file, "utf8")).split("\n").filter((line) => line.endsWith("}"))).not.toHaveLength(20);
  await rm(ballast);
  await eventually(async () => {
    expect((await readFile(file, "utf8")).split("\n").filter((line) => line.endsWith("}"))).toHaveLength(20);
  });
  await journal.close();
  const again = await Journal.open(file, log);
  expect(again.runs()).toHaveLength(20);
  await again.close();
  return undefined;
});
