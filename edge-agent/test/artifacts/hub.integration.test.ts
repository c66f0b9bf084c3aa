import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server } from "node:net";
import path from "node:path";
import { systemClock } from "@edgewatt/runtime";
import {
  eventually,
  spawnService,
  startBroker,
  tempDir,
  type SpawnedService,
  type TempDir,
  type TestBroker,
} from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArtifactCache } from "../../src/artifacts/cache.ts";
import { ArtifactStore } from "../../src/artifacts/store.ts";

const HUB = new URL("../../../hub/bin/edgewatt-hub.js", import.meta.url);
const NONE = new Set<string>();
const signal = new AbortController().signal;

let dir: TempDir;
let broker: TestBroker;
let hub: SpawnedService;
const cleanUps: (() => Promise<unknown>)[] = [];

beforeEach(async () => {
  dir = await tempDir();
  broker = await startBroker();
  hub = await startHub("0");
});
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
  await hub.stop("SIGKILL");
  await broker.stop();
  await dir[Symbol.asyncDispose]();
});

function startHub(port: string): Promise<SpawnedService> {
  const data = path.join(dir.path, "hub-data");
  return spawnService(HUB, ["--broker", broker.url, "--http-port", port, "--data", data, "--log-level", "warn"]);
}

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const hubUrl = () => hub.ready["hub"] as string;

async function openStore(): Promise<{ store: ArtifactStore; cache: ArtifactCache }> {
  const cache = await ArtifactCache.open(path.join(dir.path, "cache"), 1e9);
  return { cache, store: new ArtifactStore(cache, systemClock) };
}

/** A way to the hub on which each connection is cut after so many bytes from the hub, or from the agent, have passed. */
async function startCuttingProxy(limits: {
  fromHub: number;
  toHub: number;
}): Promise<{ base: string; cuts: () => number }> {
  let cuts = 0;
  const server: Server = createServer((client) => {
    const upstream = connect(Number(new URL(hubUrl()).port), "127.0.0.1");
    let isCut = false;
    const cutAfter = (limit: number) => {
      let passed = 0;
      return (chunk: Buffer) => {
        passed += chunk.byteLength;
        if (passed < limit || isCut) return;
        isCut = true;
        cuts += 1;
        // What has passed arrives: the end of a connection, not a reset that throws it away.
        client.end();
        upstream.destroy();
      };
    };
    upstream.on("data", (chunk: Buffer) => client.write(chunk)).on("data", cutAfter(limits.fromHub));
    client.on("data", (chunk: Buffer) => upstream.write(chunk)).on("data", cutAfter(limits.toHub));
    for (const [socket, other] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      socket.on("error", () => other.destroy());
      socket.on("close", () => other.end());
    }
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  cleanUps.push(async () => server.close());
  return { base: `http://127.0.0.1:${(server.address() as AddressInfo).port}/artifacts`, cuts: () => cuts };
}

async function atHub(
  bytes: Buffer,
): Promise<{ name: string; kind: "model"; url: string; sha256: string; bytes: number }> {
  const sha256 = digest(bytes);
  const file = path.join(dir.path, `source-${sha256.slice(0, 8)}`);
  await writeFile(file, bytes);
  const { store } = await openStore();
  const url = await store.upload(file, sha256, `${hubUrl()}/artifacts`, signal);
  return { name: "thing", kind: "model", url, sha256, bytes: bytes.length };
}

describe("artifacts of a real hub", () => {
  it("come through any number of cuts, as long as each brings something", async () => {
    const bytes = randomBytes(3_000_000);
    const artifact = await atHub(bytes);
    const proxy = await startCuttingProxy({ fromHub: 300_000, toHub: Infinity });
    const { store } = await openStore();
    const file = await store.fetch({ ...artifact, url: `${proxy.base}/${artifact.sha256}` }, NONE, signal);
    expect(digest(await readFile(file))).toBe(artifact.sha256);
    // More than the tries that may bring nothing.
    expect(proxy.cuts()).toBeGreaterThan(5);
  });

  it("go on where the hub was killed", async () => {
    const bytes = randomBytes(8_000_000);
    const artifact = await atHub(bytes);
    const port = new URL(hubUrl()).port;
    const { store, cache } = await openStore();
    const part = cache.partOf(artifact.sha256);
    // As a crash of the agent leaves it: the beginning, and no process that knows of it.
    await writeFile(part, bytes.subarray(0, 1_000_000));
    await hub.stop("SIGKILL");
    const fetched = store.fetch(artifact, NONE, signal);
    hub = await startHub(port);
    expect(digest(await readFile(await fetched))).toBe(artifact.sha256);
    await expect(stat(part)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("are fetched from the start when the beginning on disk is not what it was", async () => {
    const bytes = randomBytes(500_000);
    const artifact = await atHub(bytes);
    const { store, cache } = await openStore();
    await writeFile(cache.partOf(artifact.sha256), Buffer.alloc(100_000));
    expect(digest(await readFile(await store.fetch(artifact, NONE, signal)))).toBe(artifact.sha256);
  });

  it("come whole to several that fetch them at a time", async () => {
    const bytes = randomBytes(2_000_000);
    const artifact = await atHub(bytes);
    const { store, cache } = await openStore();
    const given = await Promise.all([1, 2, 3].map(() => store.fetch(artifact, NONE, signal)));
    expect(new Set(given)).toEqual(new Set([cache.pathOf(artifact.sha256)]));
    expect(digest(await readFile(given[0] ?? ""))).toBe(artifact.sha256);
  });

  it("that one stops waiting for still come to the other", async () => {
    const bytes = randomBytes(1_000_000);
    const artifact = await atHub(bytes);
    const { store } = await openStore();
    const given = new AbortController();
    const first = store.fetch(artifact, NONE, given.signal).catch((error: unknown) => error);
    const second = store.fetch(artifact, NONE, signal);
    given.abort(new RangeError("enough"));
    expect(await first).toEqual(new RangeError("enough"));
    expect(digest(await readFile(await second))).toBe(artifact.sha256);
  });

  it("go up again when the way was cut in the middle, and leave nothing of the first time", async () => {
    const bytes = randomBytes(2_000_000);
    const sha256 = digest(bytes);
    const file = path.join(dir.path, "result");
    await writeFile(file, bytes);
    const { store } = await openStore();
    const cutting = await startCuttingProxy({ fromHub: Infinity, toHub: 1_000_000 });
    await expect(store.upload(file, sha256, cutting.base, signal)).rejects.toMatchObject({ code: "upload-failed" });
    expect(cutting.cuts()).toBe(5);
    const artifacts = path.join(dir.path, "hub-data", "hub", "artifacts");
    await eventually(async () => expect(await readdir(path.join(artifacts, "incoming"))).toEqual([]));
    const url = await store.upload(file, sha256, `${hubUrl()}/artifacts`, signal);
    expect(digest(Buffer.from(await (await fetch(url)).arrayBuffer()))).toBe(sha256);
    // What is there is not sent again: through the same way it would be cut.
    await store.upload(file, sha256, cutting.base, signal);
    expect(cutting.cuts()).toBe(5);
  });

  it("of another digest are refused", async () => {
    const file = path.join(dir.path, "result");
    await writeFile(file, randomBytes(1000));
    const { store } = await openStore();
    const wrong = store.upload(file, "0".repeat(64), `${hubUrl()}/artifacts`, signal);
    await expect(wrong).rejects.toMatchObject({ code: "upload-failed", message: expect.stringMatching(/HTTP 422/) });
  });
});
