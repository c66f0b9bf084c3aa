import { connectMqtt, createLogger } from "@edgewatt/runtime";
import type { ConnectOptions, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import { eventually, requireSystem, startBroker, startMosquitto } from "@edgewatt/testing";
import { afterEach, describe, expect, it } from "vitest";

const log = createLogger({ name: "test", level: "silent" });
const connections: MqttConnection[] = [];
const cleanUps: (() => Promise<unknown>)[] = [];

afterEach(async () => {
  await Promise.all(connections.splice(0).map((connection) => connection.close()));
  for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
});

async function connect(url: string, clientId: string, more: Partial<ConnectOptions> = {}): Promise<MqttConnection> {
  const connection = await connectMqtt({ url, clientId, log, waitMs: 45_000, ...more });
  connections.push(connection);
  return connection;
}

function text(messages: MqttMessage[]): string[] {
  return messages.map(({ topic, payload }) => `${topic}=${Buffer.from(payload).toString()}`);
}

async function collect(connection: MqttConnection, filter: string) {
  const messages: MqttMessage[] = [];
  const subscription = await connection.subscribe(filter, (message) => messages.push(message));
  return { messages, subscription };
}

async function broker(mqttPort?: number) {
  const started = await startBroker(mqttPort === undefined ? {} : { mqttPort });
  cleanUps.push(() => started.stop());
  return started;
}

const mosquitto = requireSystem("mosquitto");

describe.each([
  { name: "our broker over TCP", skip: false, reason: "", open: async () => (await broker()).url },
  { name: "our broker over WebSocket", skip: false, reason: "", open: async () => (await broker()).wsUrl },
  {
    name: "Mosquitto",
    ...mosquitto,
    open: async () => {
      const started = await startMosquitto();
      cleanUps.push(() => started.stop());
      return started.url;
    },
  },
])("connectMqtt with $name $reason", ({ skip, open }) => {
  it.skipIf(skip)("publishes and subscribes with both QoS, text and bytes, retained or not", async () => {
    const url = await open();
    const a = await connect(url, "a");
    await a.publish("t/kept", "old", { retain: true });
    const b = await connect(url, "b");
    const { messages, subscription } = await collect(b, "t/+");
    await a.publish("t/1", "text");
    await a.publish("t/2", new Uint8Array([52, 50]), { qos: 0 });
    await eventually(() => expect(text(messages).toSorted()).toEqual(["t/1=text", "t/2=42", "t/kept=old"]));
    expect(messages.filter((message) => message.retain).map((message) => message.topic)).toEqual(["t/kept"]);

    await subscription.unsubscribe();
    const others = await collect(b, "u");
    await a.publish("t/1", "unheard");
    await a.publish("u", "heard");
    await eventually(() => expect(text(others.messages)).toEqual(["u=heard"]));
    expect(messages).toHaveLength(3);
  });

  it.skipIf(skip)("publishes the will of a client that dies, and none of one that closes", async () => {
    const url = await open();
    const watcher = await connect(url, "watcher");
    const { messages } = await collect(watcher, "will/#");
    const will = (name: string) => () => ({ topic: `will/${name}`, payload: name, qos: 1, retain: false }) as const;
    const polite = await connect(url, "polite", { will: will("polite") });
    await connect(url, "taken", { will: will("taken") });
    await polite.close();
    // The same client id again: the broker drops the first connection without a DISCONNECT from it.
    await connect(url, "taken");
    await eventually(() => expect(text(messages)).toEqual(["will/taken=taken"]));
  });
});

describe("connectMqtt", () => {
  it("comes back after a broker restart, subscribed, with a fresh will", async () => {
    const first = await broker();
    const port = Number(new URL(first.url).port);
    let connects = 0;
    let disconnects = 0;
    let wills = 0;
    const a = await connect(first.url, "a", {
      will: () => ({ topic: "will", payload: String(++wills), qos: 1, retain: true }),
    });
    a.onConnect(() => connects++);
    a.onDisconnect(() => disconnects++);
    const { messages } = await collect(a, "x");
    await first.stop("SIGKILL");
    await eventually(() => expect(a.connected).toBe(false));
    expect(disconnects).toBe(1);
    await expect(a.publish("x", "lost")).rejects.toMatchObject({
      name: "TransportError",
      code: "not-connected",
      retryable: true,
    });
    const meanwhile = await collect(a, "y");

    await broker(port);
    await eventually(() => expect(connects).toBe(1));
    const b = await connect(first.url, "b");
    await b.publish("x", "again");
    await b.publish("y", "new");
    await eventually(() => expect(text(messages)).toEqual(["x=again"]));
    await eventually(() => expect(text(meanwhile.messages)).toEqual(["y=new"]));
    expect(wills).toBeGreaterThanOrEqual(2);
  });

  it("rejects what is under way when the connection is lost, and leaves no promise open", async () => {
    const started = await broker();
    const a = await connect(started.url, "a");
    started.child.kill("SIGSTOP");
    const publishes = Array.from({ length: 20 }, (_, i) => a.publish("x", String(i)));
    started.child.kill("SIGKILL");
    for (const outcome of await Promise.allSettled(publishes)) {
      expect(outcome).toMatchObject({ status: "rejected", reason: { name: "TransportError", retryable: true } });
    }
  });

  it("stops waiting for an acknowledgement when told to, and closes in time although the broker hangs", async () => {
    const started = await broker();
    const a = await connect(started.url, "a");
    started.child.kill("SIGSTOP");
    const stop = new AbortController();
    const aborted = a.publish("x", "1", { signal: stop.signal });
    stop.abort("enough");
    await expect(aborted).rejects.toBe("enough");
    const [pending] = await Promise.allSettled([a.publish("x", "2"), a.close()]);
    expect(pending).toMatchObject({ status: "rejected", reason: { code: "connection-lost" } });
    started.child.kill("SIGCONT");
  });

  it("keeps going when handlers throw, at once or later", async () => {
    const { url } = await broker();
    const a = await connect(url, "a");
    await a.subscribe("x", () => JSON.parse("{"));
    const failsLater: () => unknown = () => Promise.reject(new RangeError("later"));
    await a.subscribe("x", failsLater);
    const { messages } = await collect(a, "x");
    await a.publish("x", "1");
    await a.publish("x", "2");
    await eventually(() => expect(text(messages)).toEqual(["x=1", "x=2"]));
    expect(a.connected).toBe(true);
  });

  it("rejects a subscription that the broker denies", async () => {
    const { url } = await broker();
    const a = await connect(url, "a");
    await expect(a.subscribe("$share/group/x", () => {})).rejects.toMatchObject({ code: "subscription-denied" });
    expect(a.connected).toBe(true);
  });

  it("says that there is no broker, without the password of the address", async () => {
    const refused = connectMqtt({ url: "mqtt://user:secret@127.0.0.1:1", clientId: "a", log, waitMs: 300 });
    await expect(refused).rejects.toMatchObject({
      name: "UnreachableError",
      message:
        "no broker at mqtt://127.0.0.1:1 (ECONNREFUSED): start one with `edgewatt up` or name another with --broker",
    });
  });

  it.each(["localhost:1883", "http://127.0.0.1", "nonsense"])("refuses %s as an address", async (url) => {
    await expect(connectMqtt({ url, clientId: "a", log })).rejects.toMatchObject({ name: "ConfigError" });
  });

  it("resolves at once without waitMs, connects when a broker appears, and gives up when aborted", async () => {
    const gone = await broker();
    const port = Number(new URL(gone.url).port);
    await gone.stop();
    const a = await connectMqtt({ url: gone.url, clientId: "a", log });
    connections.push(a);
    expect(a.connected).toBe(false);
    await broker(port);
    await eventually(() => expect(a.connected).toBe(true));

    const stop = new AbortController();
    const b = connectMqtt({ url: "mqtt://127.0.0.1:1", clientId: "b", log, waitMs: 60_000, signal: stop.signal });
    stop.abort(new RangeError("enough"));
    await expect(b).rejects.toThrow("enough");
  });
});
