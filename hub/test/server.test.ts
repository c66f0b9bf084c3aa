import { connect } from "node:net";
import { once } from "node:events";
import { decodeMessage, encodeMessage, formatTopic } from "@edgewatt/protocol";
import { eventually, requireSystem, runCommand, startBroker, startMosquitto, tempDir } from "@edgewatt/testing";
import { WebSocket } from "ws";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { connectTo, startHub, startStack, type Stack } from "./stack.ts";

const mosquittoHere = requireSystem("mosquitto");

let stack: Stack;
beforeAll(async () => {
  stack = await startStack();
});
afterAll(async () => stack[Symbol.asyncDispose]());

test("the page comes with a strict policy, and again only when it has changed", async () => {
  const page = await fetch(stack.url);
  expect(page.headers.get("content-type")).toContain("text/html");
  const policy = page.headers.get("content-security-policy");
  expect(policy).toContain("default-src 'none'");
  expect(policy).not.toContain("unsafe");
  expect(page.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await page.text()).not.toMatch(/<script(?![^>]*src=)|https?:\/\//);
  const again = await fetch(stack.url, { headers: { "if-none-match": page.headers.get("etag") ?? "" } });
  expect(again.status).toBe(304);
  expect((await fetch(`${stack.url}/package.json`)).status).toBe(404);
  expect((await fetch(`${stack.url}/page/..%2f..%2fpackage.json`)).status).toBe(404);
  expect((await fetch(stack.url, { method: "POST" })).status).toBe(405);
});

test("foreign pages are refused: by origin, and by a name bent to loopback", async () => {
  expect((await fetch(`${stack.url}/api/runs`, { headers: { origin: "http://evil.example" } })).status).toBe(403);
  const { port } = new URL(stack.url);
  const socket = connect(Number(port), "127.0.0.1");
  socket.end("GET /api/runs HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n");
  const [head] = (await once(socket, "data")) as [Buffer];
  expect(head.toString()).toContain("403");
});

test("a hub on the network answers to addresses, private names and names of its own, not to names bent to it", async () => {
  await using dir = await tempDir();
  const args = ["--listen", "0.0.0.0", "--insecure", "--host-names", "hub.example.org,b.example"];
  const hub = await startHub({ broker: stack.broker.url, dir: dir.path, args: [...args, "--id", "hub-4"] });
  try {
    const port = Number(new URL(hub.ready["hub"] as string).port);
    const statusAs = async (host: string) => {
      const socket = connect(port, "127.0.0.1");
      socket.write(`GET /api/models HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
      const [head] = (await once(socket, "data")) as [Buffer];
      socket.destroy();
      return Number(head.toString().split(" ")[1]);
    };
    for (const host of ["192.168.1.10:8080", "[fe80::1]:8080", "pi", "pi.local:8080", "hub.example.org", "B.example"]) {
      expect([host, await statusAs(host)]).toEqual([host, 200]);
    }
    expect(await statusAs("evil.example")).toBe(403);
    expect(await statusAs("b.example.evil.example")).toBe(403);
  } finally {
    await hub.stop();
  }
});

function openSocket(headers: Record<string, string>, protocol = "mqtt"): Promise<"open" | number> {
  const socket = new WebSocket(`${stack.url.replace("http", "ws")}/mqtt`, protocol, { headers });
  return new Promise((resolve, reject) => {
    socket.on("open", () => {
      socket.terminate();
      resolve("open");
    });
    socket.on("unexpected-response", (_request, response) => resolve(response.statusCode ?? 0));
    socket.on("error", reject);
  });
}

test("the relay speaks to its own page only, and only MQTT", async () => {
  expect(await openSocket({ origin: stack.url })).toBe("open");
  expect(await openSocket({ origin: "http://evil.example" })).toBe(403);
  expect(await openSocket({}, "chat")).toBe(400);
});

test("a refused upgrade whose client resets or stays neither ends the hub nor keeps it from ending", async () => {
  await using dir = await tempDir();
  const hub = await startHub({ broker: stack.broker.url, dir: dir.path, args: ["--id", "hub-3"] });
  const { port } = new URL(hub.ready["hub"] as string);
  const upgrade =
    `GET /mqtt HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nOrigin: http://evil.example\r\nConnection: Upgrade\r\n` +
    "Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
  const openRaw = () => connect({ port: Number(port), host: "127.0.0.1", allowHalfOpen: true }).on("error", () => {});
  for (let attempt = 0; attempt < 30; attempt++) {
    const reset = openRaw();
    reset.write(upgrade, () => reset.resetAndDestroy());
    await once(reset, "close");
  }
  expect((await fetch(`${hub.ready["hub"]}/health`)).status).toBe(200);
  const stays = openRaw();
  try {
    stays.write(upgrade);
    const [head] = (await once(stays, "data")) as [Buffer];
    expect(head.toString()).toContain("403");
    hub.child.kill("SIGTERM");
    const [code] = (await once(hub.child, "exit")) as [number | null];
    expect(code).toBe(0);
  } finally {
    stays.destroy();
    await hub.stop("SIGKILL");
  }
});

test("a broker that hangs does not keep the hub from an orderly end", async () => {
  await using dir = await tempDir();
  const broker = await startBroker();
  const hub = await startHub({ broker: broker.url, dir: dir.path });
  try {
    broker.child.kill("SIGSTOP");
    hub.child.kill("SIGTERM");
    const [code] = (await once(hub.child, "exit")) as [number | null];
    expect(code).toBe(0);
  } finally {
    await hub.stop("SIGKILL");
    await broker.stop("SIGKILL");
  }
});

test("MQTT goes through the relay in both directions, large messages too", async () => {
  const page = await connectTo(`${stack.url.replace("http", "ws")}/mqtt`);
  try {
    const received: string[] = [];
    await page.subscribe("test/down", ({ payload }) => received.push(Buffer.from(payload).toString()));
    await stack.connection.subscribe("test/up", ({ payload }) => received.push(Buffer.from(payload).toString()));
    const large = "x".repeat(200_000);
    await stack.connection.publish("test/down", large);
    await page.publish("test/up", large);
    await eventually(() => expect(received).toEqual([large, large]));
  } finally {
    await page.close();
  }
});

test("it announces itself with its address, and says when it goes", async () => {
  await using dir = await tempDir();
  const hub = await startHub({ broker: stack.broker.url, dir: dir.path, args: ["--id", "hub-2"] });
  const seen: { state: string; url?: string | undefined }[] = [];
  await stack.connection.subscribe(formatTopic({ kind: "service", name: "hub", id: "hub-2" }), ({ payload }) =>
    seen.push(decodeMessage("service", payload)),
  );
  await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online", url: hub.ready["hub"] as string }));
  expect(await fetch(`${hub.ready["hub"]}/health`).then((reply) => reply.json())).toEqual({
    ok: true,
    broker: "connected",
  });
  // The will of an earlier connection may come late.
  const late = { v: 1, state: "offline", ts: 1, epoch: 1, reason: "connection lost" } as const;
  const topic = formatTopic({ kind: "service", name: "hub", id: "hub-2" });
  await stack.connection.publish(topic, encodeMessage("service", late), { retain: true });
  await eventually(() => expect(seen.slice(-2).map(({ state }) => state)).toEqual(["offline", "online"]));
  await hub.stop("SIGKILL");
  await eventually(() => expect(seen.at(-1)?.state).toBe("offline"));
});

test("a broker that is not there, and a port in use, are one line and an exit code", async () => {
  await using dir = await tempDir();
  const bin = new URL("../bin/edgewatt-hub.js", import.meta.url);
  const { port } = new URL(stack.url);
  const inUse = await runCommand(bin, ["--broker", stack.broker.url, "--http-port", port, "--data", dir.path]);
  expect(inUse.code).toBe(1);
  expect(inUse.stderr).toContain(`port ${port} on 127.0.0.1 is in use`);
  const nowhere = await runCommand(bin, [
    "--broker",
    "mqtt://127.0.0.1:9",
    "--http-port",
    "0",
    "--data",
    dir.path,
    "--log-level",
    "fatal",
  ]);
  expect(nowhere.code).toBe(3);
  expect(nowhere.stderr).toContain("no broker at mqtt://127.0.0.1:9");
});

describe.skipIf(mosquittoHere.skip)(`with Mosquitto in the broker's place ${mosquittoHere.reason}`, () => {
  test("hub and relay work the same", async () => {
    await using dir = await tempDir();
    const mosquitto = await startMosquitto();
    const hub = await startHub({ broker: mosquitto.url, dir: dir.path });
    const page = await connectTo(`${(hub.ready["hub"] as string).replace("http", "ws")}/mqtt`);
    try {
      const states: string[] = [];
      await page.subscribe(formatTopic({ kind: "service", name: "hub", id: "hub-1" }), ({ payload }) =>
        states.push(decodeMessage("service", payload).state),
      );
      await eventually(() => expect(states).toContain("online"));
    } finally {
      await page.close();
      await hub.stop();
      await mosquitto.stop();
    }
  });
});
