import { once } from "node:events";
import { connect as connectTcp, type Socket } from "node:net";
import { fileURLToPath } from "node:url";
import { eventually, figure, scrape, type SpawnedService, spawnService } from "@edgewatt/testing";
import mqtt, { type IClientOptions, type MqttClient } from "mqtt";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

const BIN = fileURLToPath(new URL("../bin/edgewatt-broker.js", import.meta.url));

let broker: SpawnedService;
const clients: MqttClient[] = [];
const sockets: Socket[] = [];

beforeEach(async () => {
  broker = await spawnService(BIN, ["--mqtt-port", "0", "--ws-port", "0", "--metrics-port", "0"]);
});

afterEach(async () => {
  for (const client of clients.splice(0)) client.end(true);
  for (const socket of sockets.splice(0)) socket.destroy();
  await broker.stop("SIGKILL");
});

async function connected(transport: "mqtt" | "ws" = "mqtt", options: IClientOptions = {}): Promise<MqttClient> {
  const client = mqtt.connect(broker.ready[transport], { reconnectPeriod: 0, ...options });
  client.on("error", () => {});
  clients.push(client);
  await new Promise<void>((resolve) => client.once("connect", () => resolve()));
  return client;
}

function rawSocket(): Socket {
  const { hostname, port } = new URL(broker.ready["mqtt"]);
  const socket = connectTcp({ host: hostname, port: Number(port) });
  socket.on("error", () => {});
  sockets.push(socket);
  return socket;
}

async function read(name: string, label?: string): Promise<number> {
  return figure(await scrape(broker.ready["metrics"]), `edgewatt_broker_${name}`, label);
}

describe("the broker's metrics", () => {
  it("tell clients from connections, and count subscriptions of those that are there", async () => {
    expect(await read("clients_connected")).toBe(0);
    await once(rawSocket(), "connect");
    const client = await connected();
    const overWs = await connected("ws");
    await client.subscribeAsync({ a: { qos: 1 }, b: { qos: 0 } });
    await overWs.subscribeAsync("a");
    await eventually(async () => expect(await read("clients_connected")).toBe(2));
    expect(await read("connections_open")).toBe(3);
    expect(await read("connections_total")).toBe(3);
    expect(await read("subscriptions")).toBe(3);
    await client.endAsync();
    await eventually(async () => expect(await read("clients_connected")).toBe(1));
    expect(await read("subscriptions")).toBe(1);
    expect(await read("connections_total")).toBe(3);
  });

  it.each(["mqtt", "ws"] as const)("count messages and bytes both ways over %s", async (transport) => {
    const publisher = await connected(transport);
    const first = await connected(transport);
    const second = await connected(transport);
    for (const subscriber of [first, second]) await subscriber.subscribeAsync("x", { qos: 1 });
    const messages = 40;
    const bytes = 10_000;
    const [receivedBefore, sentBefore] = [await read("received_bytes_total"), await read("sent_bytes_total")];
    for (let i = 0; i < messages; i++) await publisher.publishAsync("x", Buffer.alloc(bytes, 1), { qos: 1 });
    await eventually(async () => expect(await read("messages_sent_total")).toBe(2 * messages));
    await eventually(async () => expect(await read("messages_received_total")).toBe(messages));
    const received = (await read("received_bytes_total")) - receivedBefore;
    const sent = (await read("sent_bytes_total")) - sentBefore;
    expect(received).toBeGreaterThanOrEqual(messages * bytes);
    expect(received).toBeLessThan(messages * (bytes + 100));
    expect(sent).toBeGreaterThanOrEqual(2 * messages * bytes);
    expect(sent).toBeLessThan(2 * messages * (bytes + 100));
    // A connection that goes takes nothing back.
    for (const client of [publisher, first, second]) await client.endAsync();
    await eventually(async () => expect(await read("connections_open")).toBe(0));
    expect(await read("received_bytes_total")).toBeGreaterThanOrEqual(receivedBefore + received);
    expect(await read("sent_bytes_total")).toBeGreaterThanOrEqual(sentBefore + sent);
  });

  it("know what is retained: replaced, taken back, and left by a will", async () => {
    const client = await connected();
    await client.publishAsync("kept/a", "12345", { qos: 1, retain: true });
    await client.publishAsync("kept/b", "123", { qos: 0, retain: true });
    await client.publishAsync("kept/a", "1", { qos: 1, retain: true });
    await client.publishAsync("passing", "1234567", { qos: 1 });
    await eventually(async () => expect(await read("retained_messages")).toBe(2));
    expect(await read("retained_bytes")).toBe(4);
    await client.publishAsync("kept/b", "", { qos: 1, retain: true });
    const will = { topic: "kept/will", payload: Buffer.from("gone"), qos: 1 as const, retain: true };
    const lost = await connected("mqtt", { will });
    lost.stream.destroy();
    await eventually(async () => expect(await read("retained_bytes")).toBe(5));
    expect(await read("retained_messages")).toBe(2);
  });

  it("count what was refused, by reason", async () => {
    const big = await connected();
    big.publish("x", Buffer.alloc(256 * 1024 + 1), { qos: 1 });
    const forbidden = await connected();
    forbidden.publish("$SYS/x", "1", { qos: 1 });
    const newer = mqtt.connect(broker.ready["mqtt"], { reconnectPeriod: 0, protocolVersion: 5 });
    newer.on("error", () => {});
    clients.push(newer);
    // CONNECT, MQTT 3.1.1, clean session off, client id of length 0.
    rawSocket().write(Buffer.from([0x10, 12, 0, 4, ...Buffer.from("MQTT"), 4, 0b00, 0, 60, 0, 0]));
    rawSocket().write(Buffer.from("GET / HTTP/1.1\r\n\r\n"));
    const sharing = await connected();
    await sharing.subscribeAsync("$share/group/x", { qos: 1 }).catch(() => {});
    const lost = await connected();
    (lost.stream as Socket).resetAndDestroy();

    const reasons = [
      "packet-too-large",
      "reserved-topic",
      "protocol-version",
      "empty-client-id",
      "malformed",
      "connection-lost",
    ];
    await eventually(async () => {
      const failed = (await scrape(broker.ready["metrics"])).get("edgewatt_broker_connections_failed_total")?.values;
      expect(Object.fromEntries(failed ?? [])).toEqual(Object.fromEntries(reasons.map((reason) => [reason, 1])));
    });
    expect(await read("subscriptions_refused_total", "shared")).toBe(1);
  });
});
