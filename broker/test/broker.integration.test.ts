import { spawn } from "node:child_process";
import { once } from "node:events";
import { connect as connectTcp, createServer } from "node:net";
import { fileURLToPath } from "node:url";
import { eventually, figure, runCommand, scrape, spawnService } from "@edgewatt/testing";
import type { SpawnedService } from "@edgewatt/testing";
import mqtt from "mqtt";
import type { IClientOptions, MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { WebSocket } from "ws";

const BIN = fileURLToPath(new URL("../bin/edgewatt-broker.js", import.meta.url));
const MIB = 1024 * 1024;

let broker: SpawnedService;
const clients: MqttClient[] = [];
const others: SpawnedService[] = [];

function start(...args: string[]): Promise<SpawnedService> {
  return spawnService(BIN, ["--mqtt-port", "0", "--ws-port", "0", "--metrics-port", "0", ...args]);
}

beforeEach(async () => {
  broker = await start();
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  await Promise.all([broker, ...others.splice(0)].map((service) => service.stop("SIGKILL")));
});

/** A client that does not reconnect and does not throw when its connection goes. */
function open(url: string, options: IClientOptions = {}): MqttClient {
  const client = mqtt.connect(url, { reconnectPeriod: 0, ...options });
  client.on("error", () => {});
  clients.push(client);
  return client;
}

function untilConnected(client: MqttClient): Promise<void> {
  return new Promise((resolve) => client.once("connect", () => resolve()));
}

async function connected(url: string, options: IClientOptions = {}): Promise<MqttClient> {
  const client = open(url, options);
  await untilConnected(client);
  return client;
}

function collect(client: MqttClient): string[] {
  const seen: string[] = [];
  client.on("message", (topic, payload, packet) =>
    seen.push(`${topic}=${payload.toString()}${packet.retain ? " retained" : ""}`),
  );
  return seen;
}

/** Unlike `once(…, "close")` it does not mind the error that comes before. */
function closing(emitter: { once(event: "close", listener: () => void): unknown }): Promise<void> {
  return new Promise((resolve) => emitter.once("close", () => resolve()));
}

function rawSocket(transport: "mqtt" | "ws" | "metrics" = "mqtt") {
  const { hostname, port } = new URL(broker.ready[transport]);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  return socket;
}

async function connections(): Promise<number> {
  return figure(await scrape(broker.ready["metrics"]), "edgewatt_broker_clients_connected");
}

async function expectAlive(): Promise<void> {
  const client = await connected(broker.ready["mqtt"]);
  const seen = collect(client);
  await client.subscribeAsync("alive", { qos: 1 });
  await client.publishAsync("alive", "yes", { qos: 1 });
  await eventually(() => expect(seen).toEqual(["alive=yes"]));
}

describe("messages", () => {
  it.each(["mqtt", "ws"])("carries QoS 0 and 1 and keeps retained messages over %s", async (transport) => {
    const url = broker.ready[transport];
    const publisher = await connected(url);
    await publisher.publishAsync("kept/a", "1", { qos: 1, retain: true });
    const subscriber = await connected(url);
    const seen = collect(subscriber);
    await subscriber.subscribeAsync({ "kept/+": { qos: 1 }, "live/+": { qos: 1 } });
    await publisher.publishAsync("live/a", "2", { qos: 0 });
    await publisher.publishAsync("live/b", "3", { qos: 1 });
    await eventually(() => expect(seen.toSorted()).toEqual(["kept/a=1 retained", "live/a=2", "live/b=3"]));
  });

  it("passes messages between the transports", async () => {
    const overTcp = await connected(broker.ready["mqtt"]);
    const overWs = await connected(broker.ready["ws"]);
    const seen = collect(overWs);
    await overWs.subscribeAsync("x", { qos: 1 });
    await overTcp.publishAsync("x", "1", { qos: 1 });
    await eventually(() => expect(seen).toEqual(["x=1"]));
  });

  it("publishes the will of a client that vanishes, not of one that says goodbye", async () => {
    const watcher = await connected(broker.ready["mqtt"]);
    const seen = collect(watcher);
    await watcher.subscribeAsync("will/+", { qos: 1 });
    const will = (name: string) => ({
      will: { topic: `will/${name}`, payload: Buffer.from("gone"), qos: 1 as const, retain: false },
    });
    const polite = await connected(broker.ready["mqtt"], will("polite"));
    const lost = await connected(broker.ready["mqtt"], will("lost"));
    await polite.endAsync();
    lost.stream.destroy();
    await eventually(() => expect(seen).toEqual(["will/lost=gone"]));
  });

  it("keeps a session that is not clean: what was published meanwhile arrives", async () => {
    const options: IClientOptions = { clientId: "keeper", clean: false };
    const before = await connected(broker.ready["mqtt"], options);
    await before.subscribeAsync("x", { qos: 1 });
    await before.endAsync();
    const publisher = await connected(broker.ready["mqtt"]);
    for (let i = 0; i < 50; i++) await publisher.publishAsync("x", String(i), { qos: 1 });
    const after = open(broker.ready["mqtt"], options);
    const seen = collect(after);
    await untilConnected(after);
    await eventually(() => expect(seen).toEqual(Array.from({ length: 50 }, (_, i) => `x=${i}`)));
  });

  it("lets the newer of two clients with one id take over", async () => {
    const first = await connected(broker.ready["mqtt"], { clientId: "same" });
    const closed = closing(first);
    const second = await connected(broker.ready["mqtt"], { clientId: "same" });
    await closed;
    const seen = collect(second);
    await second.subscribeAsync("x", { qos: 1 });
    await second.publishAsync("x", "1", { qos: 1 });
    await eventually(() => expect(seen).toEqual(["x=1"]));
    await eventually(async () => expect(await connections()).toBe(1));
  });

  it("keeps two brokers on one machine apart", async () => {
    const other = await start();
    others.push(other);
    const here = await connected(broker.ready["mqtt"]);
    const there = await connected(other.ready["mqtt"]);
    const seen = collect(there);
    await there.subscribeAsync("#", { qos: 1 });
    await here.publishAsync("x", "here", { qos: 1 });
    await there.publishAsync("x", "there", { qos: 1 });
    await eventually(() => expect(seen).toEqual(["x=there"]));
  });
});

describe("refusals", () => {
  it("denies a shared subscription and grants the others beside it", async () => {
    const client = await connected(broker.ready["mqtt"]);
    await expect(client.subscribeAsync("$share/group/x", { qos: 1 })).rejects.toThrow(
      /Unspecified error|128|Subscribe error/,
    );
    await client.subscribeAsync("x", { qos: 1 });
    expect(client.connected).toBe(true);
  });

  it.each(["$SYS/broker/fake", "$other"])("ends the connection of a client that publishes to %s", async (topic) => {
    const watcher = await connected(broker.ready["mqtt"]);
    const seen = collect(watcher);
    await watcher.subscribeAsync(topic, { qos: 1 });
    const client = await connected(broker.ready["mqtt"]);
    const closed = closing(client);
    client.publish(topic, "x", { qos: 1 });
    await closed;
    await expectAlive();
    expect(seen).toEqual([]);
  });

  it("refuses an empty client id with clean=false by CONNACK 2, and takes it with clean=true", async () => {
    const socket = rawSocket();
    // CONNECT, MQTT 3.1.1, clean session off, keepalive 60, client id of length 0.
    socket.write(Buffer.from([0x10, 12, 0, 4, ...Buffer.from("MQTT"), 4, 0b00, 0, 60, 0, 0]));
    const [answer] = (await once(socket, "data")) as [Buffer];
    expect([...answer]).toEqual([0x20, 2, 0, 2]);
    await closing(socket);

    const allowed = rawSocket();
    allowed.write(Buffer.from([0x10, 12, 0, 4, ...Buffer.from("MQTT"), 4, 0b10, 0, 60, 0, 0]));
    const [accepted] = (await once(allowed, "data")) as [Buffer];
    expect([...accepted]).toEqual([0x20, 2, 0, 0]);
    allowed.destroy();
  });

  it("refuses MQTT 5 by CONNACK 1", async () => {
    const client = open(broker.ready["mqtt"], { protocolVersion: 5 });
    const error = await new Promise((resolve) => client.once("error", resolve));
    expect(error).toMatchObject({ code: 1 });
  });

  it.each(["mqtt", "ws"])(
    "ends the connection of an oversize packet over %s, and takes one just below",
    async (transport) => {
      const big = await connected(broker.ready[transport]);
      const seen = collect(big);
      await big.subscribeAsync("big", { qos: 1 });
      await big.publishAsync("big", Buffer.alloc(256 * 1024 - 100), { qos: 1 });
      await eventually(() => expect(seen).toHaveLength(1));
      const closed = closing(big);
      big.publish("big", Buffer.alloc(256 * 1024 + 1), { qos: 1 });
      await closed;
      await expectAlive();
    },
  );

  it("ends a connection at the header of an oversize packet, before any CONNECT", async () => {
    const socket = rawSocket();
    const closed = closing(socket);
    // CONNECT that claims 256 MiB less one byte: the largest length that MQTT can express.
    socket.write(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]));
    await closed;
    // The reason, since a connection without a CONNECT is closed after a while anyway.
    await eventually(() =>
      expect(broker.stderr()).toContain("a packet of 268435455 bytes is larger than the 262144 allowed"),
    );
    await expectAlive();
  });

  it("cuts a WebSocket frame that is far larger than any packet", async () => {
    const socket = new WebSocket(broker.ready["ws"], "mqtt");
    socket.on("error", () => {});
    await once(socket, "open");
    const closed = closing(socket);
    socket.send(Buffer.alloc(4 * MIB));
    await closed;
    await expectAlive();
  });

  it("survives garbage on every transport", async () => {
    const garbage = [
      Buffer.from("GET / HTTP/1.1\r\n\r\n"),
      Buffer.alloc(64, 0xff),
      Buffer.alloc(64),
      Buffer.from([0x30, 2, 0, 9]),
    ];
    for (const bytes of garbage) {
      const socket = rawSocket();
      const closed = closing(socket);
      socket.write(bytes);
      socket.end();
      await closed;
      const webSocket = new WebSocket(broker.ready["ws"], "mqtt");
      webSocket.on("error", () => {});
      await once(webSocket, "open");
      const gone = closing(webSocket);
      webSocket.send(bytes);
      webSocket.close();
      await gone;
    }
    await expectAlive();
  });

  it("lets no page of another site in over WebSocket", async () => {
    const attempt = async (origin: string) => {
      const socket = new WebSocket(broker.ready["ws"], "mqtt", { origin });
      const result = await new Promise<string>((resolve) => {
        socket.once("open", () => resolve("open"));
        socket.on("error", () => resolve("refused"));
      });
      socket.terminate();
      return result;
    };
    expect(await attempt("https://example.org")).toBe("refused");
    expect(await attempt("null")).toBe("refused");
    expect(await attempt("http://127.0.0.1:8080")).toBe("open");
  });
});

describe("a subscriber that does not read", () => {
  it("is cut off after a while and said so once, and its topics flow on", async () => {
    const stuck = rawSocket();
    // CONNECT as "s" without keepalive, and SUBSCRIBE to "flow" with QoS 1.
    stuck.write(Buffer.from([0x10, 13, 0, 4, ...Buffer.from("MQTT"), 4, 0b10, 0, 0, 0, 1, ...Buffer.from("s")]));
    stuck.write(Buffer.from([0x82, 9, 0, 1, 0, 4, ...Buffer.from("flow"), 1]));
    let answers = "";
    stuck.on("data", (bytes: Buffer) => (answers += bytes.toString("hex")));
    await eventually(() => expect(answers).toBe("200200009003000101"));
    stuck.pause();

    const healthy = await connected(broker.ready["mqtt"]);
    const seen = collect(healthy);
    await healthy.subscribeAsync("flow", { qos: 1 });
    const publisher = await connected(broker.ready["mqtt"]);
    // More bytes than the socket buffers hold, and more messages than Aedes keeps under way at once.
    const messages = 250;
    await Promise.all(
      Array.from({ length: messages }, () => publisher.publishAsync("flow", Buffer.alloc(100 * 1024), { qos: 1 })),
    );
    await eventually(() => expect(seen).toHaveLength(messages));
    await eventually(async () => expect(await connections()).toBe(2));
    await eventually(() => expect(broker.stderr().match(/drain timeout/g)).toHaveLength(1));
    stuck.destroy();
  });
});

describe("the process", () => {
  it("prints the addresses that apply and listens on loopback", async () => {
    expect(broker.ready).toEqual({
      ready: true,
      mqtt: expect.stringMatching(/^mqtt:\/\/127\.0\.0\.1:\d+$/),
      ws: expect.stringMatching(/^ws:\/\/127\.0\.0\.1:\d+$/),
      metrics: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/metrics$/),
    });
    const plain = await spawnService(BIN, ["--mqtt-port", "0"]);
    others.push(plain);
    expect(Object.keys(plain.ready)).toEqual(["ready", "mqtt"]);
  });

  it.each([
    ["SIGTERM", 0],
    ["SIGINT", 130],
  ] as const)("closes its clients on %s and exits %i", async (signal, code) => {
    const client = await connected(broker.ready["mqtt"]);
    const overWs = await connected(broker.ready["ws"]);
    const idle = (["mqtt", "ws", "metrics"] as const).map((transport) => rawSocket(transport));
    await Promise.all(idle.map((socket) => once(socket, "connect")));
    const closed = Promise.all([client, overWs, ...idle].map((end) => closing(end)));
    expect(await broker.stop(signal)).toEqual({ code, signal: null });
    await closed;
  });

  it("ends when the process that started it is killed", async () => {
    const script = `
      const { spawn } = require("node:child_process");
      const child = spawn(process.execPath, [${JSON.stringify(BIN)}, "--json", "--mqtt-port", "0"], { stdio: ["ignore", "pipe", "inherit", "ipc"] });
      child.stdout.on("data", () => console.log(child.pid));
    `;
    const parent = spawn(process.execPath, ["-e", script], { stdio: ["ignore", "pipe", "inherit"] });
    const [printed] = (await once(parent.stdout, "data")) as [Buffer];
    const pid = Number(printed.toString());
    const isAlive = () => process.kill(pid, 0);
    expect(isAlive()).toBe(true);
    parent.kill("SIGKILL");
    await eventually(() => expect(isAlive).toThrow("ESRCH"));
  });

  it.each(["--mqtt-port", "--ws-port", "--metrics-port"])(
    "says what to do when the port of %s is in use, and exits 1",
    async (flag) => {
      const taken = createServer();
      taken.listen(0, "127.0.0.1");
      await once(taken, "listening");
      const address = taken.address();
      const port = typeof address === "object" ? address?.port : undefined;
      const result = await runCommand(BIN, ["--json", "--mqtt-port", "0", flag, String(port)]);
      taken.close();
      expect(result).toMatchObject({ code: 1, stdout: "" });
      expect(result.stderr).toBe(
        `edgewatt broker: port ${port} on 127.0.0.1 is in use: stop the other program or pass ${flag} 0 for a free one\n`,
      );
    },
  );

  it("refuses to listen beyond loopback unless told to, and then warns", async () => {
    const refused = await runCommand(BIN, ["--mqtt-port", "0", "--listen", "0.0.0.0"]);
    expect(refused.code).toBe(2);
    expect(refused.stderr).toMatch(/^edgewatt broker: --listen: 0\.0\.0\.0 .*--insecure/);
    const allowed = await spawnService(BIN, ["--mqtt-port", "0", "--listen", "0.0.0.0", "--insecure"]);
    others.push(allowed);
    await eventually(() => expect(allowed.stderr()).toContain("listening beyond loopback without authentication"));
    await connected(`mqtt://127.0.0.1:${new URL(allowed.ready["mqtt"]).port}`);
  });
});
