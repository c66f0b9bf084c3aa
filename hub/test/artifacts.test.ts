import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile, rm, writeFile } from "node:fs/promises";
import { request, type IncomingMessage } from "node:http";
import path from "node:path";
import { Readable } from "node:stream";
import { eventually, mountSmallDisk, tempDir } from "@edgewatt/testing";
import { afterAll, beforeAll, expect, test } from "vitest";
import { referencesOf } from "../src/artifacts/references.ts";
import { ArtifactStore } from "../src/artifacts/store.ts";
import { startStack, type Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack({ args: ["--max-artifact-mb", "2", "--max-store-mb", "4"] });
});
afterAll(async () => stack[Symbol.asyncDispose]());

const digestOf = (bytes: Uint8Array) => createHash("sha256").update(bytes).digest("hex");
const put = async (name: string, body: Uint8Array<ArrayBuffer>) =>
  fetch(`${stack.url}/artifacts/${name}`, { method: "PUT", body });
const errorOf = async (response: Response) => {
  const body = (await response.json()) as { error: string; message: string };
  expect(body.message).not.toBe("");
  return { status: response.status, error: body.error };
};
const artifactsDir = () => path.join(stack.dir, "hub", "artifacts");
const bytes = new Uint8Array(randomBytes(300_000));
const sha256 = digestOf(bytes);

test("an artifact goes in, and comes out whole, in part, and by its ETag", async () => {
  expect((await put(sha256, bytes)).status).toBe(201);
  expect((await put(sha256, bytes)).status).toBe(200);
  const url = `${stack.url}/artifacts/${sha256}`;
  const whole = await fetch(url);
  expect(whole.headers.get("etag")).toBe(`"${sha256}"`);
  expect(digestOf(new Uint8Array(await whole.arrayBuffer()))).toBe(sha256);

  const head = await fetch(url, { method: "HEAD" });
  expect(head.status).toBe(200);
  expect(head.headers.get("content-length")).toBe("300000");

  const rest = await fetch(url, { headers: { range: "bytes=299000-", "if-range": `"${sha256}"` } });
  expect(rest.status).toBe(206);
  expect(rest.headers.get("content-range")).toBe("bytes 299000-299999/300000");
  expect(new Uint8Array(await rest.arrayBuffer())).toEqual(bytes.slice(299_000));

  // Not by fetch: with this header it also sends Cache-Control, which asks for the bytes all the same.
  const unchanged = request(url, { headers: { "if-none-match": `"${sha256}"` } }).end();
  const [reply] = (await once(unchanged, "response")) as [IncomingMessage];
  expect(reply.resume().statusCode).toBe(304);
});

test("a download that was cut resumes where it ended", async () => {
  await put(sha256, bytes);
  const url = `${stack.url}/artifacts/${sha256}`;
  const cut = await new Promise<Buffer>((resolve, reject) => {
    const chunks: Buffer[] = [];
    request(url, (response) => {
      response.on("data", (chunk: Buffer) => {
        chunks.push(chunk);
        response.destroy();
      });
      response.on("close", () => resolve(Buffer.concat(chunks)));
    })
      .on("error", reject)
      .end();
  });
  expect(cut.byteLength).toBeLessThan(bytes.byteLength);
  const rest = await fetch(url, { headers: { range: `bytes=${cut.byteLength}-` } });
  const joined = Buffer.concat([cut, Buffer.from(await rest.arrayBuffer())]);
  expect(digestOf(joined)).toBe(sha256);
});

test("bytes that are not those of the name are refused and leave nothing behind", async () => {
  const name = digestOf(Buffer.from("something else"));
  expect(await errorOf(await put(name, bytes))).toEqual({ status: 422, error: "digest-mismatch" });
  expect(await errorOf(await fetch(`${stack.url}/artifacts/${name}`))).toEqual({
    status: 404,
    error: "no-such-artifact",
  });
  expect(await readdir(path.join(artifactsDir(), "incoming"))).toEqual([]);
});

test("an upload that breaks off leaves nothing behind", async () => {
  const broken = new Uint8Array(randomBytes(200_000));
  const name = digestOf(broken);
  await new Promise<void>((resolve) => {
    const upload = request(`${stack.url}/artifacts/${name}`, {
      method: "PUT",
      headers: { "content-length": broken.byteLength },
    });
    upload.on("error", () => resolve());
    upload.write(broken.subarray(0, 100_000), () => upload.destroy());
  });
  await eventually(async () => expect(await readdir(path.join(artifactsDir(), "incoming"))).toEqual([]));
  expect((await fetch(`${stack.url}/artifacts/${name}`)).status).toBe(404);
});

test("what is too large is refused, announced or not, and so is what does not fit any more", async () => {
  const large = new Uint8Array(2_100_000);
  expect(await errorOf(await put(digestOf(large), large))).toEqual({ status: 413, error: "too-large" });
  const streamed = await fetch(`${stack.url}/artifacts/${digestOf(large)}`, {
    method: "PUT",
    body: Readable.toWeb(Readable.from([large.subarray(0, 1_050_000), large.subarray(1_050_000)])) as ReadableStream,
    duplex: "half",
  } as RequestInit);
  expect(await errorOf(streamed)).toEqual({ status: 413, error: "too-large" });

  const first = new Uint8Array(randomBytes(1_900_000));
  expect((await put(digestOf(first), first)).status).toBe(201);
  const second = new Uint8Array(randomBytes(1_900_000));
  expect(await errorOf(await put(digestOf(second), second))).toEqual({ status: 507, error: "store-full" });
});

test("names and methods that are not of an artifact are clear errors", async () => {
  expect(await errorOf(await fetch(`${stack.url}/artifacts/..%2f..%2fetc%2fpasswd`))).toEqual({
    status: 400,
    error: "bad-digest",
  });
  const deleted = await fetch(`${stack.url}/artifacts/${sha256}`, { method: "DELETE" });
  expect(deleted.headers.get("allow")).toBe("GET, HEAD, PUT");
  expect(await errorOf(deleted)).toEqual({ status: 405, error: "method-not-allowed" });
  await put(sha256, bytes);
  const beyond = await fetch(`${stack.url}/artifacts/${sha256}`, { headers: { range: "bytes=400000-" } });
  expect(await errorOf(beyond)).toEqual({ status: 416, error: "bad-range" });
});

test("two uploads of the same bytes at once both succeed", async () => {
  const same = new Uint8Array(randomBytes(100_000));
  const name = digestOf(same);
  const statuses = await Promise.all(
    [put(name, same), put(name, same), put(name, same)].map(async (reply) => (await reply).status),
  );
  expect(statuses.every((status) => status === 200 || status === 201)).toBe(true);
  expect(digestOf(await readFile(path.join(artifactsDir(), name)))).toBe(name);
});

test("uploads of the same bytes at once count once against the limit of the store", async () => {
  await using dir = await tempDir();
  const store = await ArtifactStore.open(
    dir.path,
    { maxArtifactBytes: 1000, maxStoreBytes: 1000, reserveBytes: 0 },
    () => referencesOf([]),
  );
  const same = randomBytes(300);
  const putInto = (content: Buffer) => store.put(digestOf(content), Readable.from([content]), content.byteLength);
  await Promise.all([putInto(same), putInto(same), putInto(same)]);
  expect(await putInto(randomBytes(600))).toBe("created");
  await expect(putInto(randomBytes(200))).rejects.toMatchObject({ code: "store-full" });
});

test("a disk that is full is said so, and takes an artifact once there is room", async (context) => {
  await using dir = await tempDir();
  const small = path.join(dir.path, "small");
  using disk = mountSmallDisk(small);
  if (disk === undefined) return context.skip("mounting a small disk needs root");
  const limits = { maxArtifactBytes: 1e6, maxStoreBytes: 1e6, reserveBytes: 0 };
  const store = await ArtifactStore.open(small, limits, () => referencesOf([]));

  const content = randomBytes(200_000);
  // Whoever says how long it is, is refused before the disk is full.
  const putContent = () => store.put(digestOf(content), Readable.from([content]), undefined);
  const ballast = path.join(small, "ballast");
  await writeFile(ballast, Buffer.alloc(150_000));
  await expect(putContent()).rejects.toMatchObject({ status: 507, code: "disk-full" });
  expect(await readdir(path.join(small, "incoming"))).toEqual([]);
  await rm(ballast);
  expect(await putContent()).toBe("created");
  return undefined;
});
