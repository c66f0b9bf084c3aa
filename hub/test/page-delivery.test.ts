import { get } from "node:http";
import { brotliDecompressSync, gunzipSync } from "node:zlib";
import { afterAll, beforeAll, expect, test } from "vitest";
import { startStack, type Stack } from "./stack.ts";

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => stack[Symbol.asyncDispose]());

interface Reply {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: Buffer;
}

/** Unlike `fetch` this neither asks for an encoding by itself nor undoes one. */
function ask(path: string, headers: Record<string, string> = {}, method = "GET"): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const request = get(new URL(path, stack.url), { headers, method }, (response) => {
      const chunks: Buffer[] = [];
      response.on("data", (chunk: Buffer) => chunks.push(chunk));
      response.on("error", reject);
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    request.on("error", reject);
  });
}

/** Addresses of the page's own files, as its first file names them. */
async function addresses(): Promise<string[]> {
  const { body } = await ask("/");
  return [...body.toString().matchAll(/(?:src|href)="(\/page\/[^"]+)"/g)].map(([, address]) => address ?? "");
}

test("every file of the page is smaller compressed, and the same in every encoding", async () => {
  const files = await addresses();
  expect(files.length).toBeGreaterThan(20);
  for (const path of ["/", ...files]) {
    const plain = await ask(path);
    expect(plain.status).toBe(200);
    expect(plain.headers["content-encoding"]).toBeUndefined();
    const tags = new Set([plain.headers["etag"]]);
    for (const [encoding, decode] of [
      ["br", brotliDecompressSync],
      ["gzip", gunzipSync],
    ] as const) {
      const packed = await ask(path, { "accept-encoding": encoding });
      expect(packed.headers["vary"]).toBe("Accept-Encoding");
      expect(packed.headers["content-length"]).toBe(String(packed.body.byteLength));
      if (packed.headers["content-encoding"] === undefined) continue;
      expect(packed.headers["content-encoding"]).toBe(encoding);
      expect(packed.body.byteLength).toBeLessThan(plain.body.byteLength);
      expect(decode(packed.body).equals(plain.body)).toBe(true);
      tags.add(packed.headers["etag"]);
      const again = await ask(path, { "accept-encoding": encoding, "if-none-match": String(packed.headers["etag"]) });
      expect([again.status, again.body.byteLength]).toEqual([304, 0]);
      expect(again.headers["etag"]).toBe(packed.headers["etag"]);
      const head = await ask(path, { "accept-encoding": encoding }, "HEAD");
      expect([head.headers["content-length"], head.body.byteLength]).toEqual([packed.headers["content-length"], 0]);
    }
    expect(tags.size).toBe(plain.body.byteLength > 1000 ? 3 : tags.size);
  }
});

test("what has an address of its version is kept for good, what has not is asked for again", async () => {
  for (const path of await addresses()) expect((await ask(path)).headers["cache-control"]).toContain("immutable");
  for (const path of ["/", "/icon.svg"]) expect((await ask(path)).headers["cache-control"]).toBe("no-cache");
  const script = (await addresses()).find((path) => path.endsWith("/main.js")) ?? "";
  expect((await ask(script.replace(/[0-9a-f]{16}/, "0123456789abcdef"))).status).toBe(404);
});

test("an answer of the API is compressed when it is large, and is never kept", async () => {
  const short = await ask("/api/runs", { "accept-encoding": "gzip, br" });
  expect(short.headers["content-encoding"]).toBeUndefined();
  expect(short.headers["cache-control"]).toBe("no-store");
  expect((await ask("/api/power?minutes=0")).status).toBe(400);
  expect((await ask("/api/power?minutes=many")).status).toBe(400);
  expect((await ask("/api/power?minutes=1.5")).status).toBe(400);
}, 60_000);

test("an artifact comes as it is, in parts too", async () => {
  const body = Buffer.alloc(50_000, "edgewatt ");
  const digest = Buffer.from(await crypto.subtle.digest("SHA-256", body)).toString("hex");
  const path = `/artifacts/${digest}`;
  expect((await fetch(new URL(path, stack.url), { method: "PUT", body })).status).toBe(201);
  const whole = await ask(path, { "accept-encoding": "gzip, br" });
  expect(whole.headers["content-encoding"]).toBeUndefined();
  expect(whole.body.equals(body)).toBe(true);
  const part = await ask(path, { "accept-encoding": "gzip, br", range: "bytes=100-199" });
  expect([part.status, part.headers["content-range"]]).toEqual([206, "bytes 100-199/50000"]);
  expect(part.body.equals(body.subarray(100, 200))).toBe(true);
});
