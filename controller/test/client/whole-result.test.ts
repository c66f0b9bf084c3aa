import { createHash } from "node:crypto";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { artifactSchema } from "@edgewatt/protocol";
import { type TempDir, tempDir } from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { z } from "zod";
import { wholeResult } from "../../src/client/whole-result.ts";

const schema = z.looseObject({ layers: z.array(z.number()), full: artifactSchema.optional() });
const { signal } = new AbortController();
const WHOLE = JSON.stringify({ layers: [1, 2, 3] });

let dir: TempDir;
beforeEach(async () => {
  dir = await tempDir();
});
afterEach(() => dir[Symbol.asyncDispose]());

function summaryAt(url: string, text = WHOLE) {
  const sha256 = createHash("sha256").update(text).digest("hex");
  return { layers: [], full: { kind: "result", name: "r.json", url, sha256, bytes: text.length } };
}

async function serve(status: number, body: string) {
  const server = createServer((_request, response) => void response.writeHead(status).end(body));
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/artifacts/x`;
  return { url, [Symbol.asyncDispose]: async () => void server.close() };
}

describe("a job's result", () => {
  it("is what its state holds", async () => {
    expect(await wholeResult(schema, { layers: [7] }, signal)).toEqual({ layers: [7] });
  });

  it("is the file that its state names, on this machine or at a hub", async () => {
    const file = path.join(dir.path, "r.json");
    await writeFile(file, WHOLE);
    await using hub = await serve(200, WHOLE);
    for (const url of [pathToFileURL(file).href, hub.url]) {
      expect(await wholeResult(schema, summaryAt(url), signal)).toEqual({ layers: [1, 2, 3] });
    }
  });

  it("that cannot be read from here is a clear error", async () => {
    const gone = wholeResult(schema, summaryAt(pathToFileURL(path.join(dir.path, "none")).href), signal);
    await expect(gone).rejects.toThrow(/the job succeeded, but its result .*\(ENOENT\): run a hub/);
    await using hub = await serve(404, "");
    const lost = wholeResult(schema, summaryAt(hub.url), signal);
    await expect(lost).rejects.toMatchObject({ code: "result-unreachable" });
  });

  it("that is another file is refused", async () => {
    await using hub = await serve(200, WHOLE);
    const other = wholeResult(schema, summaryAt(hub.url, "{}"), signal);
    await expect(other).rejects.toMatchObject({ code: "result-damaged" });
  });
});
