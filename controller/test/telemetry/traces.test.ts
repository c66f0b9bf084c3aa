import { createHash } from "node:crypto";
import { once } from "node:events";
import { readdir, readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import type { Context } from "../../src/context.ts";
import { fetchTrace } from "../../src/telemetry/traces.ts";

const READINGS = gzipSync("window,phase,t_us,watts,joules\n0,window,1.0,2.5,\n");
const sha256 = createHash("sha256").update(READINGS).digest("hex");
const silent = { write: () => true };

/** A hub as far as readings go: it has those of its digests. */
async function serve(files: ReadonlyMap<string, Buffer>): Promise<AsyncDisposable & { readonly url: string }> {
  const server = createServer((request, response) => {
    const bytes = files.get(request.url ?? "");
    response.writeHead(bytes === undefined ? 404 : 200).end(bytes);
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
}

it("readings are found at the hub of today where the one that their run names is gone or has none, and are checked", async () => {
  await using dir = await tempDir();
  const name = "m-fp32-job-0.csv.gz";
  const at = `/artifacts/${sha256}`;
  await using today = await serve(new Map([[at, READINGS]]));
  await using empty = await serve(new Map());
  await using other = await serve(new Map([[at, Buffer.from("something else")]]));
  const context: Context = {
    stdout: silent,
    stderr: silent,
    stdin: process.stdin,
    env: {},
    cwd: dir.path,
    signal: new AbortController().signal,
  };
  const fetchFrom = (url: string | null, hubUrl: string | undefined, folder: string): Promise<string> =>
    fetchTrace(
      context,
      { name, sha256, bytes: READINGS.byteLength, url },
      { dir: path.join(dir.path, folder), dataDir: path.join(dir.path, "data"), hubUrl },
    );

  for (const [i, url] of ["http://127.0.0.1:1/artifacts/x", `${empty.url}${at}`, null].entries()) {
    expect(await readFile(await fetchFrom(url, today.url, `new-${i}`))).toEqual(READINGS);
  }
  for (const [i, hubUrl] of [undefined, empty.url, other.url].entries()) {
    const file = await fetchFrom(`${today.url}${at}`, hubUrl, `named-${i}`);
    expect(await readFile(file)).toEqual(READINGS);
  }
  await expect(fetchFrom(null, undefined, "none")).rejects.toThrow(/it was not uploaded and is on its device only/);
  await expect(fetchFrom(`${other.url}${at}`, empty.url, "none")).rejects.toThrow(
    /what http.* has is not what the run wrote.*edgewatt import --traces/,
  );
  expect(await readdir(path.join(dir.path, "none"))).toEqual([]);
});
