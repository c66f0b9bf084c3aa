import { createHash, randomBytes } from "node:crypto";
import { lstat, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { systemClock } from "@edgewatt/runtime";
import { eventually, tempDir, type TempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArtifactCache } from "../../src/artifacts/cache.ts";
import { ArtifactStore } from "../../src/artifacts/store.ts";

const signal = new AbortController().signal;
const NONE = new Set<string>();

let dir: TempDir;
let server: Server | undefined;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(async () => {
  server?.closeAllConnections();
  server?.close();
  server = undefined;
  await dir[Symbol.asyncDispose]();
});

function digest(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

async function serve(handler: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> {
  const listening = createServer(handler);
  server = listening;
  await new Promise<void>((resolve) => listening.listen(0, "127.0.0.1", resolve));
  return `http://127.0.0.1:${(listening.address() as AddressInfo).port}/artifacts`;
}

async function open(limitBytes = 1e9) {
  const cache = await ArtifactCache.open(path.join(dir.path, "cache"), limitBytes);
  return { cache, store: new ArtifactStore(cache, systemClock) };
}

function artifact(bytes: Buffer, url: string) {
  return { name: "thing", kind: "model" as const, url, sha256: digest(bytes), bytes: bytes.length };
}

describe("ArtifactStore", () => {
  it("goes on where a download broke off, and serves the second time from the cache", async () => {
    const bytes = randomBytes(300_000);
    const ranges: (string | undefined)[] = [];
    const { store, cache } = await open();
    const part = `${cache.pathOf(digest(bytes))}.part`;
    const base = await serve((request, response) => {
      ranges.push(request.headers.range);
      const from = Number(/bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
      const range = from > 0 ? { "content-range": `bytes ${from}-${bytes.length - 1}/${bytes.length}` } : {};
      response.writeHead(from > 0 ? 206 : 200, { "content-length": bytes.length - from, ...range });
      if (ranges.length > 1) {
        response.end(bytes.subarray(from));
      } else {
        // Breaks off once the 100,000 bytes are on the disk: what is still on its way then would be lost with the connection.
        response.write(bytes.subarray(0, 100_000));
        const onDisk = async () => expect((await stat(part)).size).toBe(100_000);
        void eventually(onDisk).finally(() => response.destroy());
      }
    });
    const wanted = artifact(bytes, `${base}/${digest(bytes)}`);
    expect(digest(await readFile(await store.fetch(wanted, NONE, signal)))).toBe(wanted.sha256);
    expect(ranges).toEqual([undefined, "bytes=100000-"]);
    await store.fetch(wanted, NONE, signal);
    expect(ranges).toHaveLength(2);
  });

  it("refuses bytes that are not what the command names, and keeps none of them", async () => {
    const bytes = randomBytes(1000);
    const base = await serve((_request, response) => response.end(randomBytes(1000)));
    const { store, cache } = await open();
    const wanted = artifact(bytes, `${base}/x`);
    await expect(store.fetch(wanted, NONE, signal)).rejects.toMatchObject({ code: "artifact-mismatch" });
    expect(await cache.find(wanted.sha256)).toBeUndefined();
    await expect(stat(`${cache.pathOf(wanted.sha256)}.part`)).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("starts again when a server gives other bytes than those asked for, and gives up when it never gives any", async () => {
    const bytes = randomBytes(3000);
    const { store, cache } = await open();
    const ranges: (string | undefined)[] = [];
    const base = await serve((request, response) => {
      ranges.push(request.headers.range);
      if (request.headers.range === undefined) return response.end(bytes);
      return response.writeHead(206, { "content-range": "bytes 0-9/3000" }).end(bytes.subarray(0, 10));
    });
    const wanted = artifact(bytes, `${base}/x`);
    await writeFile(cache.partOf(wanted.sha256), bytes.subarray(0, 1000));
    expect(digest(await readFile(await store.fetch(wanted, NONE, signal)))).toBe(wanted.sha256);
    expect(ranges).toEqual(["bytes=1000-", undefined]);
  });

  it("stops at the bytes that the command names", async () => {
    const base = await serve((_request, response) => {
      const flood = () =>
        void (response.write(Buffer.alloc(100_000)) ? setImmediate(flood) : response.once("drain", flood));
      flood();
    });
    const { store, cache } = await open();
    const wanted = artifact(randomBytes(1000), `${base}/x`);
    await expect(store.fetch(wanted, NONE, signal)).rejects.toMatchObject({ code: "artifact-mismatch" });
    await expect(stat(cache.partOf(wanted.sha256))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says that the disk is full, and leaves it no fuller", async () => {
    const bytes = randomBytes(200_000);
    const base = await serve((_request, response) => response.end(bytes));
    const { store, cache } = await open();
    const wanted = artifact(bytes, `${base}/x`);
    // A device that takes no byte, as a disk that is full.
    await symlink("/dev/full", cache.partOf(wanted.sha256));
    await expect(store.fetch(wanted, NONE, signal)).rejects.toMatchObject({
      code: "artifact-disk",
      message: expect.stringMatching(/\(ENOSPC\): free space/) as string,
    });
    await expect(lstat(cache.partOf(wanted.sha256))).rejects.toMatchObject({ code: "ENOENT" });
    await store.fetch(wanted, NONE, signal);
  });

  it("counts beginnings that a crash left against the limit, and clears them like files", async () => {
    const bytes = randomBytes(600);
    const base = await serve((_request, response) => response.end(bytes));
    const { store, cache } = await open(1000);
    const left = digest(Buffer.from("of a job that nobody repeats"));
    await writeFile(cache.partOf(left), Buffer.alloc(500));
    await store.fetch(artifact(bytes, `${base}/x`), NONE, signal);
    await expect(stat(cache.partOf(left))).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("says at once when the hub has no such file", async () => {
    const base = await serve((_request, response) => response.writeHead(404).end());
    const { store } = await open();
    const wanted = artifact(randomBytes(10), `${base}/x`);
    await expect(store.fetch(wanted, NONE, signal)).rejects.toMatchObject({
      code: "artifact-missing",
      message: expect.stringMatching(/HTTP 404/) as string,
    });
  });

  it("uses a file of this machine in place, checked", async () => {
    const bytes = randomBytes(500);
    const file = path.join(dir.path, "m.onnx");
    await writeFile(file, bytes);
    const { store } = await open();
    const wanted = artifact(bytes, pathToFileURL(file).href);
    expect(await store.fetch(wanted, NONE, signal)).toBe(file);
    await writeFile(file, randomBytes(500));
    await expect(store.fetch(wanted, NONE, signal)).rejects.toMatchObject({ code: "artifact-mismatch" });
    const gone = { ...wanted, url: pathToFileURL(`${file}.gone`).href };
    await expect(store.fetch(gone, NONE, signal)).rejects.toMatchObject({ code: "artifact-missing" });
  });

  it("makes room by what was not used for longest, sparing what the job needs", async () => {
    const files = [randomBytes(400), randomBytes(400), randomBytes(400)];
    const base = await serve((request, response) => {
      response.end(files.find((bytes) => request.url?.endsWith(digest(bytes))));
    });
    const { store, cache } = await open(1000);
    const wanted = files.map((bytes) => artifact(bytes, `${base}/${digest(bytes)}`));
    const keep = new Set(wanted.slice(0, 1).map(({ sha256 }) => sha256));
    for (const one of wanted) await store.fetch(one, keep, signal);
    const there = await Promise.all(wanted.map(async ({ sha256 }) => (await cache.find(sha256)) !== undefined));
    expect(there).toEqual([true, false, true]);
  });

  it("stores a result at the hub, trying again when it stumbles", async () => {
    const bytes = randomBytes(5000);
    const file = path.join(dir.path, "int8.onnx");
    await writeFile(file, bytes);
    const received: { url: string | undefined; body: Buffer }[] = [];
    let calls = 0;
    const base = await serve((request, response) => {
      if (request.method === "HEAD") return void response.writeHead(404).end();
      const chunks: Buffer[] = [];
      request.on("data", (chunk: Buffer) => chunks.push(chunk));
      request.on("end", () => {
        calls += 1;
        if (calls === 1) return response.writeHead(503).end();
        received.push({ url: request.url, body: Buffer.concat(chunks) });
        return response.writeHead(201).end();
      });
    });
    const { store } = await open();
    expect(await store.upload(file, digest(bytes), base, signal)).toBe(`${base}/${digest(bytes)}`);
    expect(received[0]?.url).toBe(`/artifacts/${digest(bytes)}`);
    expect(received[0]?.body.equals(bytes)).toBe(true);
  });
});
