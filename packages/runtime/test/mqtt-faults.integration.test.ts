import { createLogger, connectMqtt, type ConnectOptions, type MqttConnection, type MqttMessage } from "../src/index.ts";
import { eventually, FaultProxy, requireSystem, startBroker, startMosquitto } from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";

const log = createLogger({ name: "test", level: "silent" });
const cleanUps: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function connect(url: string, clientId: string, options: Partial<ConnectOptions> = {}): Promise<MqttConnection> {
  const connection = await connectMqtt({ url, clientId, log, waitMs: 45_000, ...options });
  cleanUps.push(() => connection.close());
  return connection;
}

async function ours(mqttPort = 0): Promise<{ url: string; stop(signal?: NodeJS.Signals): Promise<unknown> }> {
  const broker = await startBroker({ mqttPort });
  cleanUps.push(() => broker.stop());
  return broker;
}

const mosquitto = requireSystem("mosquitto");

describe.each([
  { name: "our broker", skip: false, reason: "", open: async () => (await ours()).url },
  {
    name: "Mosquitto",
    ...mosquitto,
    open: async () => {
      const started = await startMosquitto();
      cleanUps.push(() => started.stop());
      return started.url;
    },
  },
])("a connection to $name that goes silent $reason", ({ skip, open }) => {
  it.skipIf(skip)("is noticed by both sides: the broker publishes the will, the client connects again", async () => {
    const url = await open();
    const target = new URL(url);
    const proxy = await FaultProxy.start({ target: { host: target.hostname, port: Number(target.port) } });
    cleanUps.push(() => proxy.close());
    const watcher = await connect(url, "watcher");
    const wills: MqttMessage[] = [];
    await watcher.subscribe("will", (message) => wills.push(message));
    const client = await connect(`mqtt://127.0.0.1:${proxy.port}`, "client", {
      keepaliveS: 1,
      will: () => ({ topic: "will", payload: "gone", qos: 1, retain: false }),
    });
    let disconnects = 0;
    let connects = 0;
    client.onDisconnect(() => {
      disconnects++;
      // A connection that went silent stays so; the next one works.
      void proxy.set({});
    });
    client.onConnect(() => connects++);
    await proxy.set({ swallow: ["up", "down"] });
    const unheard = client.publish("x", "1").catch((error: unknown) => error);
    await eventually(() => expect(disconnects).toBe(1));
    expect(await unheard).toMatchObject({ code: "connection-lost", retryable: true });
    await eventually(() => expect(connects).toBe(1));
    await eventually(() => expect(wills).toHaveLength(1));
    await client.publish("x", "2");
  });
});

describe("a connection to several brokers", () => {
  it("takes the next when one does not answer, and comes back to the first when that one goes", async () => {
    const [a, b] = [await ours(), await ours()];
    const client = await connect(`mqtt://127.0.0.1:1, ${a.url},${b.url}`, "client");
    expect(client.broker).toBe(a.url);
    await a.stop("SIGKILL");
    await eventually(() => expect([client.connected, client.broker]).toEqual([true, b.url]));
    const again = await ours(Number(new URL(a.url).port));
    await b.stop("SIGKILL");
    await eventually(() => expect([client.connected, client.broker]).toEqual([true, again.url]));
    await client.publish("x", "1");
  });

  it("names all of them when none answers, without their passwords", async () => {
    const url = "mqtt://user:secret@127.0.0.1:1,mqtt://127.0.0.1:2";
    await expect(connectMqtt({ url, clientId: "a", log, waitMs: 2000 })).rejects.toThrow(
      /^no broker at mqtt:\/\/127.0.0.1:1, mqtt:\/\/127.0.0.1:2 \(ECONNREFUSED\)/,
    );
  });

  it("refuses a list with an address that is none, and names that one", async () => {
    const refused = connectMqtt({ url: "mqtt://127.0.0.1:1,http://127.0.0.1", clientId: "a", log });
    await expect(refused).rejects.toMatchObject({
      issues: [expect.stringMatching(/^--broker: http:\/\/127.0.0.1 is no/)],
    });
  });
});

describe("a client that drops its connection", () => {
  it("leaves no will, and comes back when it may", async () => {
    const { url } = await ours();
    const watcher = await connect(url, "watcher");
    const wills: MqttMessage[] = [];
    await watcher.subscribe("will", (message) => wills.push(message));
    let open: () => void = () => {};
    let gate = Promise.resolve();
    const client = await connect(url, "client", {
      will: () => ({ topic: "will", payload: "gone", qos: 1, retain: false }),
      beforeConnect: () => gate,
    });
    gate = new Promise((resolve) => (open = resolve));
    await client.drop();
    expect(client.connected).toBe(false);
    await expect(client.publish("x", "1")).rejects.toMatchObject({ code: "not-connected" });
    open();
    await eventually(() => expect(client.connected).toBe(true));
    expect(wills).toEqual([]);
  });
});
