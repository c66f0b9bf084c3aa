import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { decodeMessage, encodeMessage, formatTopic, type DeviceStatus } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import {
  eventually,
  requireSystem,
  startBroker,
  startMosquitto,
  tempDir,
  type SpawnedService,
  type TempDir,
} from "@edgewatt/testing";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { command, Observer, startAgent } from "./agent-rig.ts";

interface Broker {
  readonly url: string;
  stop(signal?: NodeJS.Signals): Promise<unknown>;
}

const BROKERS: readonly { name: string; skip: boolean; reason: string; open: (port?: number) => Promise<Broker> }[] = [
  { name: "our broker", skip: false, reason: "", open: (mqttPort = 0) => startBroker({ mqttPort }) },
  {
    name: "Mosquitto",
    ...requireSystem("mosquitto"),
    open: (port) => startMosquitto(port === undefined ? {} : { port }),
  },
];
const DEVICE = "pi-1";
const STATUS = formatTopic({ kind: "status", device: DEVICE });
const log = createLogger({ name: "test", level: "silent" });

describe.each(BROKERS)("presence with $name $reason", ({ skip, open }) => {
  const cleanUps: (() => Promise<unknown>)[] = [];
  let dir: TempDir;
  let broker: Broker;
  beforeEach(async () => {
    dir = await tempDir();
    if (skip) return;
    broker = await open();
    cleanUps.push(() => broker.stop());
  });
  afterEach(async () => {
    for (const cleanUp of cleanUps.splice(0).toReversed()) await cleanUp();
    await dir[Symbol.asyncDispose]();
  });

  async function connect(): Promise<MqttConnection> {
    const connection = await connectMqtt({ url: broker.url, clientId: `test-${Math.random()}`, log, waitMs: 45_000 });
    cleanUps.push(() => connection.close());
    return connection;
  }

  /** All statuses from now on, the retained one first. */
  async function watchStatus(): Promise<DeviceStatus[]> {
    const seen: DeviceStatus[] = [];
    await (await connect()).subscribe(STATUS, ({ payload }) => seen.push(decodeMessage("status", payload)));
    return seen;
  }

  async function agent(data: string): Promise<SpawnedService> {
    const started = await startAgent({ broker: broker.url, device: DEVICE, data: path.join(dir.path, data) });
    cleanUps.push(() => started.stop("SIGKILL"));
    return started;
  }

  it.skipIf(skip).each([
    ["of an earlier connection", { boot: 1, conn: 0 }],
    ["of an earlier start", { boot: 0, conn: 9 }],
    ["of a connection that the agent knew nothing of", { boot: 1, conn: 1 }],
  ])("a will %s that comes late is overwritten", async (_what, late) => {
    await agent("a");
    const other = await connect();
    const offline = { v: 1, state: "offline", ts: Date.now(), cause: "connection lost", ...late } as const;
    await other.publish(STATUS, encodeMessage("status", offline), { retain: true });
    const seen = await watchStatus();
    await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online", boot: 1, conn: 1 }));
  });

  it.skipIf(skip)("a broker that was killed and forgot everything hears of the device and its open jobs", async () => {
    // A model that never arrives keeps a job in its first step.
    const stuck = createServer(() => {});
    await new Promise<void>((resolve) => stuck.listen(0, "127.0.0.1", resolve));
    cleanUps.push(async () => {
      stuck.closeAllConnections();
      await new Promise((resolve) => stuck.close(resolve));
    });
    const url = `http://127.0.0.1:${(stuck.address() as AddressInfo).port}/artifacts/x`;
    const model = { kind: "model", name: "m", url, sha256: "0".repeat(64), bytes: 10, params: 1 };
    const args = { entries: [{ model, precision: "fp32" }], options: { quick: true } };
    await agent("a");
    const before = await Observer.connect(broker.url);
    await before.send(DEVICE, command("J-RUNS", args));
    await before.reach("J-RUNS", "running");
    await before.send(DEVICE, command("J-WAITS", args));
    await before.reach("J-WAITS", "accepted");
    await before.close();
    await broker.stop("SIGKILL");
    broker = await open(Number(new URL(broker.url).port));
    cleanUps.push(() => broker.stop());
    const after = await Observer.connect(broker.url);
    cleanUps.push(() => after.close());
    await eventually(() => expect(after.status.get(DEVICE)).toMatchObject({ state: "online", boot: 1, conn: 2 }));
    await after.reach("J-RUNS", "running");
    expect((await after.reach("J-WAITS", "accepted")).position).toBe(1);
    await eventually(() => expect(after.info.get(DEVICE)).toBeDefined());
  });

  it.skipIf(skip)(
    "of two agents with one device id the later stays; the earlier says why it stands aside, and comes back",
    async () => {
      const first = await agent("a");
      const seen = await watchStatus();
      await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online", boot: 1 }));
      const second = await agent("b");
      await eventually(() => expect(first.stderr()).toMatch(/another agent has started under the device id pi-1/));
      await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online", boot: 2 }));
      const told = seen.length;
      // Long enough for either to come back if they fought.
      await sleep(5000);
      expect(seen.slice(told).filter(({ boot }) => boot !== 2)).toEqual([]);
      expect(seen.at(-1)).toMatchObject({ state: "online", boot: 2 });
      expect(seen.length - told).toBeLessThanOrEqual(2);
      await second.stop();
      await eventually(() => expect(seen.at(-1)).toMatchObject({ state: "online", boot: 3 }));
      expect(first.stderr()).toMatch(/has gone; this one connects again/);
      expect(second.stderr()).not.toMatch(/stands aside/);
    },
  );
});
