import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, it } from "vitest";
import { InfluxSink } from "../../src/sinks/influx.ts";
import { bufferOf } from "../line-blocks.ts";
import { T0 } from "../power-batches.ts";

const servers: Server[] = [];
const sinks: InfluxSink[] = [];
afterEach(async () => {
  for (const sink of sinks.splice(0)) await sink.close();
  for (const server of servers.splice(0)) server.close();
});

/** A server that answers each request, the first, the second …, with these bytes. */
async function serve(...answers: ((socket: Socket, request: string) => void)[]): Promise<string> {
  let requests = 0;
  const server = createServer((socket) => {
    socket.on("error", () => {});
    socket.on("data", (data) => answers[Math.min(requests++, answers.length - 1)]?.(socket, data.toString()));
  });
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://user:s3cret@127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function open(url: string, timeoutMs = 45_000): InfluxSink {
  const sink = new InfluxSink({ url, timeoutMs });
  sinks.push(sink);
  return sink;
}

/** A whole answer. */
function http(status: string, body = "", headers: readonly string[] = []): string {
  return [`HTTP/1.1 ${status}`, `Content-Length: ${Buffer.byteLength(body)}`, ...headers, "", body].join("\r\n");
}

const LINE = bufferOf([`a watts=1 ${T0}`]);

describe("a write is not stored, and due again later, when the server", () => {
  it.each([
    ["never answers", "", "unavailable", "no answer within 300 ms"],
    ["hangs within its headers", "HTTP/1.1 204 No Content\r\nContent-Le", "unavailable", "no answer"],
    [
      "hangs in the middle of an error",
      "HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{",
      "unavailable",
      "no answer",
    ],
    [
      "hangs in the middle of chunks",
      "HTTP/1.1 500 Oops\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
      "unavailable",
      "no answer",
    ],
    ["fails", http("500 Internal Server Error", '{"error":"timeout"}'), "unavailable", "500: timeout"],
    ["is a proxy without it", http("502 Bad Gateway", "<html>nginx</html>"), "unavailable", "502: <html>"],
    ["is overloaded", http("503 Service Unavailable"), "unavailable", "(503)"],
    ["limits the rate", http("429 Too Many Requests"), "unavailable", "(429)"],
    [
      "refuses the user",
      http("401 Unauthorized", '{"error":"authorization failed"}'),
      "unauthorized",
      "authorization failed",
    ],
    ["forbids the write", http("403 Forbidden"), "unauthorized", "(403)"],
    [
      "has no such bucket",
      http("404 Not Found", '{"code":"not found","message":"bucket not found"}'),
      "no-database",
      "bucket not found",
    ],
    ["has no such page", http("404 Not Found", "404 page not found"), "wrong-server", "404 page not found"],
    ["sends it elsewhere", http("302 Found", "", ["Location: /login"]), "wrong-server", "a redirect to /login"],
    ["takes no POST", http("405 Method Not Allowed"), "wrong-server", "(405)"],
    ["answers with a page", http("200 OK", "<html>Welcome</html>"), "wrong-server", "200: <html>Welcome"],
    ["answers with a document", http("200 OK", '{"status":"ok"}'), "wrong-server", "200"],
    ["is a proxy that finds it bad", http("400 Bad Request", "<html>400</html>"), "wrong-server", "400: <html>"],
    ["speaks another protocol", "SSH-2.0-OpenSSH_9.2\r\n", "unavailable", "HPE_INVALID_CONSTANT"],
  ])("%s", async (what, answer, code, reason) => {
    const url = await serve((socket) => socket.write(answer));
    const error: unknown = await open(url, /^(never|hangs)/.test(what) ? 300 : undefined)
      .write(LINE)
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "SinkError", code, retryable: true, message: expect.stringContaining(reason) });
    const told = JSON.stringify(error) + String((error as Error).stack) + String((error as Error).cause);
    expect(told).not.toMatch(/s3cret|Basic /);
  });

  it("cuts the connection in the middle of its answer", async () => {
    const url = await serve((socket) => socket.end("HTTP/1.1 400 Bad Request\r\nContent-Length: 100\r\n\r\n{"));
    await expect(open(url).write(LINE)).rejects.toMatchObject({ code: "unavailable", retryable: true });
  });

  it("resets every connection", async () => {
    const url = await serve((socket) => socket.resetAndDestroy());
    await expect(open(url).write(LINE)).rejects.toMatchObject({ code: "unavailable", retryable: true });
  });

  it("may not create the database", async () => {
    const missing = http("404 Not Found", '{"error":"database not found: \\"edgewatt\\""}');
    const url = await serve(
      (socket) => socket.write(missing),
      (socket) => socket.write(http("403 Forbidden", '{"error":"create requires admin"}')),
    );
    await expect(open(url).write(LINE)).rejects.toMatchObject({
      code: "no-database",
      message: expect.stringContaining("create requires admin"),
    });
  });
});

describe("a write is stored although the server", () => {
  it("closed the connection that was kept open, as it received the request", async () => {
    const url = await serve(
      (socket) => socket.write(http("204 No Content")),
      (socket) => socket.destroy(),
      (socket) => socket.write(http("204 No Content")),
    );
    const sink = open(url);
    expect(await sink.write(LINE)).toEqual([]);
    expect(await sink.write(LINE)).toEqual([]);
  });

  it("hung before", async () => {
    const url = await serve(
      () => {},
      (socket) => socket.write(http("204 No Content")),
    );
    const sink = open(url, 300);
    await expect(sink.write(LINE)).rejects.toMatchObject({ code: "unavailable" });
    expect(await sink.write(LINE)).toEqual([]);
  });
});

it("signs in with the user and password of the address, of which special characters are encoded", async () => {
  const seen: string[] = [];
  const url = await serve((socket, request) => {
    seen.push(request);
    socket.write(http("204 No Content"));
  });
  await open(url.replace("s3cret", "p%40ss%3A%2F")).write(LINE);
  expect(seen[0]).toContain(`Authorization: Basic ${Buffer.from("user:p@ss:/").toString("base64")}`);
  expect(seen[0]).toMatch(/^POST \/write\?db=edgewatt&precision=u&rp= HTTP/);
});

it("ends what is under way when it is closed", async () => {
  const url = await serve(() => {});
  const sink = open(url);
  const written = sink.write(LINE).catch((error: unknown) => error);
  await sink.close();
  expect(await written).toMatchObject({ code: "unavailable" });
});
