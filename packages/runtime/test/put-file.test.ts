import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { tempDir } from "@edgewatt/testing";
import { expect, it } from "vitest";
import { putFile } from "../src/put-file.ts";

async function put(listener: RequestListener, idleMs?: number) {
  await using dir = await tempDir();
  const file = path.join(dir.path, "file");
  await writeFile(file, Buffer.alloc(3_000_000));
  const server = createServer(listener).listen(0, "127.0.0.1");
  await once(server, "listening");
  try {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/x`;
    return await putFile(url, file, new AbortController().signal, idleMs);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

const unlessHead =
  (listener: RequestListener): RequestListener =>
  (request, response) =>
    request.method === "HEAD" ? void response.writeHead(404).end() : listener(request, response);

it("gives what a hub says of a refusal, and nothing of what a proxy writes", async () => {
  const refuse = (body: string) =>
    unlessHead((_request, response) => void response.writeHead(507, { connection: "close" }).end(body));
  expect(await put(refuse('{"error":"disk-low","message":"free space"}'))).toEqual({ status: 507, said: "free space" });
  expect(await put(refuse("<html>no</html>"))).toEqual({ status: 507, said: undefined });
});

it("leaves a file that is there, and sends one that is not as a whole", async () => {
  let received = 0;
  expect(await put((_request, response) => void response.writeHead(200).end())).toEqual({
    status: 200,
    said: undefined,
  });
  const take = unlessHead((request, response) => {
    request.on("data", (bytes: Buffer) => void (received += bytes.byteLength));
    request.on("end", () => void response.writeHead(201).end());
  });
  expect(await put(take)).toEqual({ status: 201, said: undefined });
  expect(received).toBe(3_000_000);
});

it("gives up on a server that hangs, before or after it has read", async () => {
  await expect(
    put(
      unlessHead((request) => void request.resume()),
      300,
    ),
  ).rejects.toThrow("no answer for 0.3 s");
  await expect(put(() => {}, 300)).rejects.toThrow(/timeout/);
});
