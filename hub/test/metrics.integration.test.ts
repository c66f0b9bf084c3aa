import { createHash, randomBytes } from "node:crypto";
import path from "node:path";
import { setTimeout } from "node:timers/promises";
import { encodeMessage, formatTopic } from "@edgewatt/protocol";
import { createLogger } from "@edgewatt/runtime";
import { eventually, figure, scrape, startBroker, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { JournalFile } from "../src/journal/journal-file.ts";
import { connectTo, startStack, type Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ args: ["--metrics-port", "0", "--max-store-mb", "1"] });
});
afterAll(async () => stack[Symbol.asyncDispose]());

async function read(name: string): Promise<number> {
  return figure(await scrape(stack.hub.ready["metrics"] as string), `edgewatt_hub_${name}`);
}

function publishJob(job: string, device = "pi-1"): Promise<void> {
  const nowMs = Date.now();
  const args = { model: { name: "m", url: "http://h/m", sha256: "0".repeat(64), bytes: 1, kind: "model" } };
  const command = {
    v: 1 as const,
    job,
    op: "quantize" as const,
    rev: 1,
    issuedAt: nowMs,
    expiresAt: nowMs + 3_600_000,
    timeoutS: 60,
    cancel: false,
    by: "test",
    args,
  };
  return stack.connection.publish(
    formatTopic({ kind: "command", device, op: "quantize", job }),
    encodeMessage("command", command),
    { qos: 1, retain: true },
  );
}

test("artifacts are counted, and how much room they have", async () => {
  expect(await read("artifacts")).toBe(0);
  const body = randomBytes(5000);
  const sha256 = createHash("sha256").update(body).digest("hex");
  expect((await fetch(`${stack.url}/artifacts/${sha256}`, { method: "PUT", body })).status).toBe(201);
  expect([await read("artifacts"), await read("artifacts_bytes")]).toEqual([1, 5000]);
  expect(await read("artifacts_arriving_bytes")).toBe(0);
  expect(await read("artifacts_limit_bytes")).toBe(1e6);
});

test("the journal grows with what it hears, and lags behind it for a moment only", async () => {
  const before = await read("journal_bytes");
  for (const job of ["01jgqw6k5v8d3m9n2p4r6s8t0a", "01jgqw6k5v8d3m9n2p4r6s8t0b"]) await publishJob(job);
  await eventually(async () => expect(await read("journal_runs")).toBe(2));
  expect(await read("journal_bytes")).toBeGreaterThan(before + 400);
  await eventually(async () => expect(await read("journal_lag_seconds")).toBe(0));
});

test("connections of pages are counted, and that of the hub itself is told", async () => {
  expect(await read("relay_connections")).toBe(0);
  const page = await connectTo(`${stack.url.replace("http", "ws")}/mqtt`);
  await eventually(async () => expect(await read("relay_connections")).toBe(1));
  await page.close();
  await eventually(async () => expect(await read("relay_connections")).toBe(0));
  expect(await read("broker_connected")).toBe(1);
});

test("commands that a new broker lacks are counted when they are given back; without a broker the hub is not healthy", async () => {
  expect(await read("commands_restored_total")).toBe(0);
  const health = new URL("/health", stack.hub.ready["metrics"] as string);
  expect((await fetch(health)).status).toBe(200);
  const { port } = new URL(stack.broker.url);
  await stack.broker.stop("SIGKILL");
  await eventually(async () => expect((await fetch(health)).status).toBe(503));
  expect(await (await fetch(health)).json()).toMatchObject({
    state: "disconnected",
    reason: expect.stringContaining("--broker"),
  });
  expect(await read("broker_connected")).toBe(0);
  const again = await startBroker({ mqttPort: Number(port) });
  try {
    await eventually(async () => expect(await read("commands_restored_total")).toBe(2));
    expect((await fetch(health)).status).toBe(200);
  } finally {
    await again.stop();
  }
});

test("the journal's lag is the age of the oldest line that is not on the disk", async () => {
  await using dir = await tempDir();
  const log = createLogger({ name: "test", level: "silent" });
  const journal = await JournalFile.open(path.join(dir.path, "jobs.jsonl"), log, () => []);
  expect(journal.lagS).toBe(0);
  journal.append({ first: true });
  const [early, late] = [journal.lagS, await setTimeout(5).then(() => journal.lagS)];
  expect(early).toBeGreaterThan(0);
  expect(late).toBeGreaterThan(early);
  journal.append({ first: false });
  expect(journal.lagS).toBeGreaterThanOrEqual(late);
  await eventually(() => expect(journal.lagS).toBe(0));
  await journal.close();
});
