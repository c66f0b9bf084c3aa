import { createHash } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { eventually, tempDir } from "@edgewatt/testing";
import { create } from "tar";
import { describe, expect, it } from "vitest";
import type { DatasetSource } from "../../src/datasets/catalogue.ts";
import { fetchDataset } from "../../src/datasets/fetch.ts";

const FILES = ["data_batch_1.bin", "test_batch.bin"];
/** Of a file; random, so that the archive is no smaller. */
const FILE_BYTES = 200_000;

interface ServerPlan {
  /** Breaks the connection once the client has so many bytes in this file: what was still on its way would be lost with it. */
  breakAt?: { readonly bytes: number; readonly file: string };
  ranges?: boolean;
}

/** An HTTP server for one archive that can break off, as real ones do. */
async function serveArchive(archive: Buffer, plan: ServerPlan) {
  const ranges: (string | undefined)[] = [];
  const server = createServer((request, response) => {
    const asked = /^bytes=(\d+)-$/.exec(request.headers.range ?? "")?.[1];
    ranges.push(request.headers.range);
    const from = asked === undefined || plan.ranges === false ? 0 : Number(asked);
    if (from >= archive.length) return void response.writeHead(416).end();
    const body = archive.subarray(from);
    response.writeHead(from === 0 ? 200 : 206, { "content-length": body.length });
    if (plan.breakAt === undefined) return void response.end(body);
    const { bytes, file } = plan.breakAt;
    response.write(body.subarray(0, bytes));
    const arrived = async () => expect((await stat(file)).size).toBe(bytes);
    void eventually(arrived).finally(() => response.destroy());
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/small.tar.gz`,
    ranges,
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

async function archiveIn(dir: string): Promise<Buffer> {
  const top = path.join(dir, "made", "small-batches-bin");
  await mkdir(top, { recursive: true });
  for (const name of FILES) await writeFile(path.join(top, name), randomBytesOf(name));
  const file = path.join(dir, "small.tar.gz");
  await create({ file, gzip: true, cwd: path.dirname(top) }, [path.basename(top)]);
  return readFile(file);
}

/** Incompressible, and the same in every run. */
function randomBytesOf(seed: string): Buffer {
  const blocks = Array.from({ length: FILE_BYTES / 32 }, (_, index) =>
    createHash("sha256").update(`${seed}${index}`).digest(),
  );
  return Buffer.concat(blocks);
}

function sourceFor(url: string, archive: Buffer): DatasetSource {
  return { name: "small", url, md5: createHash("md5").update(archive).digest("hex"), files: FILES };
}

describe("fetching a data set", () => {
  it("unpacks the archive's files into a folder of its own and keeps nothing else", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    await using server = await serveArchive(archive, {});
    const folder = path.join(dir.path, "datasets");
    const seen: number[] = [];
    const target = await fetchDataset(sourceFor(server.url, archive), {
      folder,
      onProgress: (done) => seen.push(done),
    });
    expect(await readdir(target)).toEqual(FILES);
    expect(await readFile(path.join(target, "test_batch.bin"))).toEqual(randomBytesOf("test_batch.bin"));
    expect(await readdir(folder)).toEqual(["small"]);
    expect(seen.at(-1)).toBe(archive.length);
  });

  it("goes on where the connection broke", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    const folder = path.join(dir.path, "datasets");
    const part = path.join(folder, "small.tar.gz.part");
    const plan: ServerPlan = { breakAt: { bytes: 150_000, file: part } };
    await using server = await serveArchive(archive, plan);
    const source = sourceFor(server.url, archive);
    await expect(fetchDataset(source, { folder })).rejects.toMatchObject({ code: "download-failed", retryable: true });
    expect((await stat(part)).size).toBe(150_000);
    delete plan.breakAt;
    const target = await fetchDataset(source, { folder });
    expect(server.ranges).toEqual([undefined, "bytes=150000-"]);
    expect(await readFile(path.join(target, "data_batch_1.bin"))).toEqual(randomBytesOf("data_batch_1.bin"));
  });

  it("begins again at a server that knows no ranges", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    const folder = path.join(dir.path, "datasets");
    const breakAt = { bytes: 150_000, file: path.join(folder, "small.tar.gz.part") };
    const plan: ServerPlan = { breakAt, ranges: false };
    await using server = await serveArchive(archive, plan);
    const source = sourceFor(server.url, archive);
    await expect(fetchDataset(source, { folder })).rejects.toThrow(/connection broke/);
    delete plan.breakAt;
    expect(await readdir(await fetchDataset(source, { folder }))).toEqual(FILES);
  });

  it("unpacks what was downloaded in full before", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    await using server = await serveArchive(archive, {});
    const folder = path.join(dir.path, "datasets");
    await mkdir(folder);
    await writeFile(path.join(folder, "small.tar.gz.part"), archive);
    expect(await readdir(await fetchDataset(sourceFor(server.url, archive), { folder }))).toEqual(FILES);
  });

  it("refuses and removes an archive with another digest", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    await using server = await serveArchive(Buffer.concat([archive.subarray(0, -1), Buffer.from([1])]), {});
    const folder = path.join(dir.path, "datasets");
    await expect(fetchDataset(sourceFor(server.url, archive), { folder })).rejects.toMatchObject({
      code: "bad-archive",
    });
    expect(await readdir(folder)).toEqual([]);
  });

  it("says that nothing answers", async () => {
    await using dir = await tempDir();
    const server = await serveArchive(Buffer.alloc(0), {});
    await server[Symbol.asyncDispose]();
    const source = sourceFor(server.url, Buffer.alloc(0));
    await expect(fetchDataset(source, { folder: dir.path })).rejects.toThrow(
      /cannot download small .*ECONNREFUSED.*--url/,
    );
  });

  it("stops when it is told to, and keeps the part", async () => {
    await using dir = await tempDir();
    const archive = await archiveIn(dir.path);
    await using server = await serveArchive(archive, {});
    const interrupt = new AbortController();
    const reason = new Error("stop");
    const fetching = fetchDataset(sourceFor(server.url, archive), {
      folder: dir.path,
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(reason),
    });
    await expect(fetching).rejects.toBe(reason);
    expect(await readdir(dir.path)).toContain("small.tar.gz.part");
  });
});
