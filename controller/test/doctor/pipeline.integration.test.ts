import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import {
  type DeviceFault,
  type DeviceInfo,
  type DeviceStatus,
  encodeMessage,
  formatTopic,
  type PipelineFigures,
  type ServiceStatus,
  type Topic,
} from "@edgewatt/protocol";
import { startBroker, tempDir, type TestBroker, VirtualDevice } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { Check } from "../../src/doctor/check.ts";
import { checkDeadLetters } from "../../src/doctor/dead-letters.ts";
import { checkBroker } from "../../src/doctor/services.ts";
import { checkSpoolFiles } from "../../src/doctor/spool-files.ts";
import type { Context } from "../../src/context.ts";
import { runHere } from "../run-app.ts";

const SINCE_MS = Date.parse("2026-11-23T10:00:00Z");
const TELL_EVERY_MS = 200;

let broker: TestBroker;
let fleet: VirtualDevice;
const timers: NodeJS.Timeout[] = [];

beforeEach(async () => {
  broker = await startBroker();
  fleet = await VirtualDevice.connect(broker.url, "fleet");
});

afterEach(async () => {
  for (const timer of timers.splice(0)) clearInterval(timer);
  await fleet.connection.close();
  await broker.stop("SIGKILL");
});

function publish(topic: Topic, payload: string, retain: boolean): Promise<void> {
  return fleet.connection.publish(formatTopic(topic), payload, { qos: 1, retain });
}

/** An agent that tells of its spool, as long as it is online. */
async function agent(device: string, figures?: PipelineFigures, status: Partial<DeviceStatus> = {}): Promise<void> {
  const said = { v: 1 as const, state: "online" as const, boot: 1, conn: 1, ts: SINCE_MS, ...status };
  await publish({ kind: "status", device }, encodeMessage("status", said), true);
  if (figures === undefined) return;
  const live = () => {
    const ch = { pipeline: { t: Date.now() * 1000, ...(figures as Record<string, number | string>) } };
    void publish({ kind: "live", device, stream: "system" }, encodeMessage("live", { v: 1, boot: 1, ch }), false);
  };
  timers.push(setInterval(live, TELL_EVERY_MS));
}

/** What an agent says of itself beside its status. */
async function tellFaults(device: string, faults: DeviceFault[]): Promise<void> {
  const info: DeviceInfo = {
    v: 1,
    ts: SINCE_MS,
    boot: 1,
    versions: { edgewatt: "1", node: "22", onnxruntime: "1" },
    hardware: { board: "", cpu: "", cores: 4, memoryMb: 1, arch: "arm64", os: "", governor: null, hostId: "" },
    operations: [],
    limits: { queuedJobs: 8, commandBytes: 1 },
    power: [],
    clock: { synchronized: true },
    faults,
  };
  await publish({ kind: "info", device }, encodeMessage("info", info), true);
}

async function ingest(id: string, status: Partial<ServiceStatus>): Promise<void> {
  const said = { v: 1 as const, state: "online" as const, ts: Date.now(), epoch: SINCE_MS, ...status };
  await publish({ kind: "service", name: "ingest", id }, encodeMessage("service", said), true);
}

function contextIn(cwd: string): Context {
  const silent = { write: () => true };
  const { signal } = new AbortController();
  return { stdout: silent, stderr: silent, stdin: process.stdin, env: {}, cwd, signal };
}

async function examine(): Promise<ReadonlyMap<string, Check>> {
  await using dir = await tempDir();
  const checks = await checkBroker(contextIn(dir.path), { broker: broker.url, data: dir.path });
  return new Map(checks.map((check) => [check.name, check]));
}

const WELL: PipelineFigures = {
  points: 5000,
  acks: 90,
  batches: 400,
  spoolBatches: 2,
  spoolBytes: 900,
  spoolCapBytes: 1e6,
  spoolAgeS: 0.7,
  dropped: 0,
};

describe("doctor on telemetry on its way", () => {
  it("finds a pipeline well, in figures too", async () => {
    await ingest("in-1", { pipeline: { points: 5000, acks: 90, batches: 400, deadLetters: 0, queue: 3 } });
    await ingest("in-2", { state: "offline", reason: "shutdown", ts: SINCE_MS });
    await ingest("in-3", { ts: SINCE_MS });
    await agent("pi-1", WELL);
    const checks = await examine();
    expect(checks.get("ingest in-1")).toEqual({
      name: "ingest in-1",
      status: "ok",
      message: "online; 5000 points stored, 400 batches, 90 acknowledgements, 3 in memory",
      figures: { points: 5000, acks: 90, batches: 400, deadLetters: 0, queue: 3 },
    });
    expect(checks.get("ingest in-2")).toMatchObject({
      status: "ok",
      message: expect.stringMatching(/^offline since 2026-11-23T10:00:00.000Z; another/),
    });
    expect(checks.get("ingest in-3")).toMatchObject({
      status: "fail",
      message: "says that it is online, and has said nothing since 2026-11-23T10:00:00.000Z",
    });
    expect(checks.get("agent pi-1")).toMatchObject({
      status: "ok",
      message: "2 batches wait, the oldest for 0.7 s; 5000 points recorded, 90 batches acknowledged, nothing dropped",
      figures: WELL,
    });
  });

  it("tells what the agents wait for, how long, and when room gets short", async () => {
    await ingest("in-1", { state: "holding", reason: "no answer within 10000 ms" });
    await agent("late", { ...WELL, spoolBatches: 700, spoolAgeS: 350 });
    await agent("full", { ...WELL, spoolBytes: 850_000, spoolAgeS: 8000 });
    await agent("lossy", { ...WELL, dropped: 12 });
    await agent("no-disk", WELL);
    await tellFaults("no-disk", [
      { code: "journal", message: "the job journal of this device cannot be written: ENOSPC; jobs wait until it can" },
      { code: "spool", message: "telemetry cannot be kept on disk (ENOSPC): free some space" },
    ]);
    const checks = await examine();
    expect(checks.get("ingest in-1")).toMatchObject({
      status: "fail",
      message: expect.stringContaining("holding (no answer within 10000 ms)"),
      advice: expect.stringContaining("database"),
    });
    expect(checks.get("agent late")).toMatchObject({
      status: "warn",
      message: "700 batches wait, the oldest for 6 min",
      advice: "see the ingest above",
    });
    expect(checks.get("agent full")).toMatchObject({
      status: "fail",
      message: "its spool is 85 % full: 2 batches wait, the oldest for 2.2 h",
      advice: expect.stringContaining("--spool-mb"),
    });
    expect(checks.get("agent lossy")).toMatchObject({
      status: "warn",
      message: expect.stringMatching(/^12 points were dropped/),
    });
    expect(checks.get("agent no-disk")).toMatchObject({
      status: "fail",
      message: expect.stringMatching(/job journal.*; telemetry cannot be kept on disk \(ENOSPC\): free some space/),
    });
  });

  it("does not wait for agents that are gone or in a strict window, and tells a silent one from one that only does not tell", async () => {
    await agent("gone", undefined, { state: "offline", cause: "connection lost" });
    await agent("strict", undefined, { measuringUntil: Date.now() + 3_600_000 });
    const quick = await examine();
    expect(quick.get("agent gone")).toMatchObject({
      status: "warn",
      message: "offline since 2026-11-23T10:00:00.000Z (connection lost)",
    });
    expect(quick.get("agent strict")).toMatchObject({ status: "ok", message: expect.stringMatching(/^silent until /) });
    expect(quick.get("ingest")).toMatchObject({ status: "fail", advice: expect.stringContaining("edgewatt ingest") });

    await agent("silent");
    await agent("older");
    const say = () =>
      void publish(
        { kind: "live", device: "older", stream: "system" },
        encodeMessage("live", { v: 1, boot: 1, ch: { system: { t: Date.now() * 1000, load1: 1 } } }),
        false,
      );
    timers.push(setInterval(say, TELL_EVERY_MS));
    const slow = await examine();
    expect(slow.get("agent silent")).toMatchObject({
      status: "fail",
      message: expect.stringContaining("sends nothing"),
    });
    expect(slow.get("agent older")).toMatchObject({
      status: "warn",
      message: expect.stringContaining("does not tell"),
    });
  });

  it("reads an agent in a measured window by its telemetry", async () => {
    await ingest("in-1", {});
    await agent("busy");
    let seq = 0;
    const report = () => {
      const channel = {
        t0: Date.now() * 1000,
        dt: [0],
        spoolBatches: [40],
        spoolAgeS: [61],
        acks: [9],
        service: "agent",
      };
      const batch = { v: 1 as const, boot: 1, seq: seq++, sync: true, ch: { pipeline: channel } };
      void publish({ kind: "telemetry", device: "busy", stream: "system" }, encodeMessage("telemetry", batch), false);
    };
    timers.push(setInterval(report, TELL_EVERY_MS));
    expect((await examine()).get("agent busy")).toMatchObject({
      status: "warn",
      message: "40 batches wait, the oldest for 61 s",
      advice: expect.stringContaining("look again"),
      figures: { spoolBatches: 40, spoolAgeS: 61 },
    });
  });

  it("counts what databases refused, and names the files", async () => {
    await using dir = await tempDir();
    expect(await checkDeadLetters(contextIn(dir.path), { data: "data" })).toMatchObject({ status: "ok" });
    await mkdir(path.join(dir.path, "data/dead-letters"), { recursive: true });
    for (const day of [20, 21, 22, 23]) {
      await writeFile(path.join(dir.path, `data/dead-letters/2026-11-${day}.lp`), "# why\npower watts=1\n");
    }
    expect(await checkDeadLetters(contextIn(dir.path), { data: "data" })).toMatchObject({
      status: "warn",
      message: expect.stringMatching(
        /^4 files, 1 kB in \S+\/data\/dead-letters: 2026-11-21\.lp, 2026-11-22\.lp, 2026-11-23\.lp and 1 before$/,
      ),
      figures: { files: 4, bytes: 80 },
    });
    await ingest("in-1", { pipeline: { points: 10, deadLetters: 2 } });
    expect((await examine()).get("ingest in-1")).toMatchObject({
      status: "warn",
      message: expect.stringContaining("refused 2 points"),
    });
  });

  it("sees by the files what an agent without a broker cannot tell", async () => {
    await using dir = await tempDir();
    expect(await checkSpoolFiles(contextIn(dir.path), { data: "nowhere" })).toEqual([]);
    for (const [device, sizes] of [
      ["pi-1", [1000, 2000]],
      ["pi-2", [4e6, 3.5e6]],
    ] as const) {
      const spool = path.join(dir.path, `agent-${device}/spool`);
      await mkdir(spool, { recursive: true });
      for (const [i, size] of sizes.entries())
        await writeFile(path.join(spool, `000000000${i}.seg`), Buffer.alloc(size));
      await writeFile(path.join(spool, "gaps.json"), Buffer.alloc(5e6));
    }
    await mkdir(path.join(dir.path, "agent-older"));
    const checks = await checkSpoolFiles(contextIn(dir.path), { data: "." });
    expect(checks).toMatchObject([
      { name: "spool of pi-1", status: "ok", figures: { bytes: 3000 } },
      { name: "spool of pi-2", status: "warn", message: expect.stringMatching(/^7\.5 MB in \S+ wait/) },
    ]);
  });

  it("is part of the command, whose exit code tells a failure", async () => {
    await using dir = await tempDir();
    await ingest("in-1", { state: "holding", reason: "down" });
    const run = await runHere(["doctor", "--broker", broker.url, "--json"], {
      cwd: dir.path,
      env: { EDGEWATT_DATA: path.join(dir.path, "data"), PATH: process.env["PATH"] },
    });
    expect(run.exitCode).toBe(1);
    const { ok, checks } = JSON.parse(run.stdout) as { ok: boolean; checks: Check[] };
    expect(ok).toBe(false);
    expect(checks).toContainEqual(expect.objectContaining({ name: "ingest in-1", status: "fail" }));
    expect(checks).toContainEqual(expect.objectContaining({ name: "dead letters", status: "ok" }));
  });
});
