import { createHash, randomBytes } from "node:crypto";
import { readdir, utimes } from "node:fs/promises";
import path from "node:path";
import { Readable } from "node:stream";
import { decodeMessage, formatTopic, type Run } from "@edgewatt/protocol";
import { createLogger } from "@edgewatt/runtime";
import { eventually, tempDir } from "@edgewatt/testing";
import { describe, expect, test } from "vitest";
import { GRACE_MS } from "../src/artifacts/eviction.ts";
import { type References, referencesOf } from "../src/artifacts/references.ts";
import { ArtifactStore } from "../src/artifacts/store.ts";
import { Journal } from "../src/journal/journal.ts";
import { startStack } from "./stack.ts";

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const digest = (n: number) => n.toString(16).padStart(64, "0");

function runOf(run: { op: string; args: object; state: string | null; result?: object }): Run {
  const { op, args, state, result } = run;
  const command = { job: "job", op, args };
  return {
    device: "pi-1",
    job: "job",
    op,
    command,
    state: state === null ? null : { state, result },
  } as unknown as Run;
}

describe("what runs name", () => {
  const model = { sha256: digest(1), url: "http://hub/1" };
  const int8 = { sha256: digest(2) };

  test("stays: models, data and traces, of open jobs and of ended ones", () => {
    const { kept, remakeable } = referencesOf([
      runOf({
        op: "benchmark",
        args: { entries: [{ model }] },
        state: "succeeded",
        result: { rows: [{ trace: { sha256: digest(3) } }] },
      }),
      runOf({ op: "quantize", args: { model, calibration: { sha256: digest(4) } }, state: null }),
    ]);
    expect([...kept].toSorted()).toEqual([digest(1), digest(3), digest(4)]);
    expect([...remakeable]).toEqual([]);
  });

  test("is not what a model was made from", () => {
    const pruned = { ...model, lineage: [{ op: "prune", from: { name: "p00", sha256: digest(6) } }] };
    const { kept } = referencesOf([runOf({ op: "benchmark", args: { entries: [{ model: pruned }] }, state: null })]);
    expect([...kept]).toEqual([digest(1)]);
  });

  test("can go where an ended job made it, unless another run names it as well", () => {
    const quantized = runOf({
      op: "quantize",
      args: { model },
      state: "succeeded",
      result: { artifact: int8, full: { sha256: digest(5) } },
    });
    expect([...referencesOf([quantized]).remakeable]).toEqual([digest(2)]);
    expect([...referencesOf([quantized]).kept]).toEqual([digest(1), digest(5)]);
    const measured = runOf({ op: "benchmark", args: { entries: [{ model: int8 }] }, state: "accepted" });
    expect([...referencesOf([quantized, measured]).remakeable]).toEqual([]);
  });
});

describe("a store without room", () => {
  async function fill(
    dir: string,
    references: References,
    limits: { maxStoreBytes?: number; reserveBytes?: number } = {},
  ) {
    const store = await ArtifactStore.open(
      dir,
      { maxArtifactBytes: 1000, maxStoreBytes: 1000, reserveBytes: 0, ...limits },
      () => references,
    );
    const put = async (ageMs: number, bytes = 300) => {
      const content = randomBytes(bytes);
      const name = digestOf(content);
      await store.put(name, Readable.from([content]), bytes);
      const at = new Date(Date.now() - ageMs);
      await utimes(path.join(dir, name), at, at);
      return name;
    };
    return { store, put };
  }
  const left = async (dir: string) => (await readdir(dir)).filter((name) => name !== "incoming").toSorted();

  test("gives up what no run names, oldest first, then what can be made again, and nothing else", async () => {
    await using dir = await tempDir();
    const kept = new Set<string>();
    const remakeable = new Set<string>();
    const { put, store } = await fill(dir.path, { kept, remakeable });
    const named = await put(5 * GRACE_MS);
    const made = await put(4 * GRACE_MS);
    const unnamed = await put(3 * GRACE_MS);
    kept.add(named);
    remakeable.add(made);
    const first = await put(0);
    expect(await left(dir.path)).toEqual([named, made, first].toSorted());
    expect(await store.has(unnamed)).toBe(false);
    const second = await put(0);
    expect(await left(dir.path)).toEqual([named, first, second].toSorted());
    await expect(put(0)).rejects.toMatchObject({
      status: 507,
      code: "store-full",
      message: expect.stringMatching(/--max-runs/),
    });
  });

  test("spares what was used a short while ago", async () => {
    await using dir = await tempDir();
    const { put, store } = await fill(dir.path, { kept: new Set(), remakeable: new Set() });
    const old = await put(3 * GRACE_MS);
    const older = await put(4 * GRACE_MS);
    await put(2 * GRACE_MS);
    await store.touch(older);
    await put(0);
    expect(await store.has(old)).toBe(false);
    expect(await store.has(older)).toBe(true);
  });

  test("uploads at once make room once", async () => {
    await using dir = await tempDir();
    const { put } = await fill(dir.path, { kept: new Set(), remakeable: new Set() });
    for (let i = 0; i < 3; i++) await put(2 * GRACE_MS);
    await Promise.all([put(0, 100), put(0, 100)]);
    expect(await left(dir.path)).toHaveLength(4);
  });

  test("keeps a reserve of the disk, and says so", async () => {
    await using dir = await tempDir();
    const { put } = await fill(dir.path, { kept: new Set(), remakeable: new Set() }, { reserveBytes: 1e18 });
    await expect(put(0)).rejects.toMatchObject({
      status: 507,
      code: "disk-low",
      message: expect.stringMatching(/--disk-reserve-mb/),
    });
  });
});

test("a hub whose disk is low refuses uploads, says so in its status, and records runs all the same", async () => {
  await using stack = await startStack({ args: ["--disk-reserve-mb", "1000000000000"] });
  const body = new Uint8Array(randomBytes(1000));
  const reply = await fetch(`${stack.url}/artifacts/${digestOf(body)}`, { method: "PUT", body });
  expect(reply.status).toBe(507);
  expect(await reply.json()).toMatchObject({ error: "disk-low" });
  const seen: { state: string; reason?: string | undefined; url?: string | undefined }[] = [];
  await stack.connection.subscribe(formatTopic({ kind: "service", name: "hub", id: "hub-1" }), ({ payload }) =>
    seen.push(decodeMessage("service", payload)),
  );
  await eventually(() =>
    expect(seen.at(-1)).toMatchObject({
      state: "online",
      url: stack.url,
      reason: expect.stringMatching(/uploads of artifacts are refused/),
    }),
  );
  const state = { v: 1, job: "job-1", op: "benchmark", rev: 1, state: "succeeded", ts: 1, boot: 1, attempt: 1 };
  await stack.connection.publish(
    formatTopic({ kind: "jobState", device: "pi-1", job: "job-1" }),
    JSON.stringify(state),
    { qos: 1 },
  );
  await eventually(async () => expect((await fetch(`${stack.url}/api/runs/job-1`)).status).toBe(200));
});

test("the journal keeps as many runs, and as old ones, as it is told; none that is open goes for its age", async () => {
  await using dir = await tempDir();
  const log = createLogger({ name: "test", level: "silent" });
  const file = path.join(dir.path, "jobs.jsonl");
  const journal = await Journal.open(file, log);
  const state = { v: 1, op: "benchmark", rev: 1, boot: 1, attempt: 1 } as const;
  const now = Date.now();
  journal.state("pi-1", { ...state, job: "open", state: "running", ts: now - 9000 });
  for (const age of [8000, 7000, 60, 50, 40])
    journal.state("pi-1", { ...state, job: `ended-${age}`, state: "failed", ts: now - age });
  await journal.close();
  const jobs = async (limits: { maxRuns: number; maxAgeMs: number }) => {
    const opened = await Journal.open(file, log, limits);
    const kept = opened.runs().map(({ job }) => job);
    await opened.close();
    return kept;
  };
  const aged = await jobs({ maxRuns: 1000, maxAgeMs: 7500 + (Date.now() - now) });
  expect(aged).toEqual(["ended-40", "ended-50", "ended-60", "ended-7000", "open"]);
  expect(await jobs({ maxRuns: 3, maxAgeMs: Infinity })).toEqual(["ended-40", "ended-50", "open"]);
});
