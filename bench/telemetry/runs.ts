import { performance } from "node:perf_hooks";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import {
  eventually,
  findCommand,
  queryInflux,
  startBroker,
  startInfluxd,
  startMosquitto,
  tempDir,
} from "@edgewatt/testing";
import { cpuUsOf } from "../cpu-time.ts";
import { BenchError } from "../errors.ts";
import { Cleanup } from "./cleanup.ts";
import { startRaw, type Contestant, type Place } from "./contestants.ts";
import type { StreamMessage } from "./stream.ts";

/** Messages to the broker that it has not taken yet. */
const WINDOW = 200;
const WAIT_MS = 120_000;
const POLL_MS = 100;

/** What a contestant did with a stream. */
export interface Figures {
  /** Points stored per second of its own processor time. */
  readonly perCpuS: number;
  /** Points stored per second of waiting. */
  readonly perS: number;
}

/** A stream in two parts: the first makes everything warm, the second counts. */
export interface Stream {
  readonly warmUp: readonly StreamMessage[];
  readonly counted: readonly StreamMessage[];
}

/** A broker that keeps what a slow subscriber has not taken, and never drops it. */
export async function startBenchBroker(): Promise<{ url: string; name: string; stop: () => Promise<unknown> }> {
  if (findCommand("mosquitto") === undefined) return Object.assign(await startBroker(), { name: "edgewatt's broker" });
  const settings = ["max_queued_messages 0", "max_inflight_messages 0"];
  return Object.assign(await startMosquitto({ settings }), { name: "Mosquitto" });
}

/** Feeds a contestant over MQTT, on a new broker and a new database, and waits until every point can be queried. */
export async function runOverMqtt(
  start: (place: Place) => Promise<Contestant>,
  { warmUp, counted }: Stream,
): Promise<Figures> {
  await using cleanup = new Cleanup();
  const folder = cleanup.add(await tempDir(), (dir) => dir[Symbol.asyncDispose]()).path;
  const influxd = cleanup.add(await startInfluxd(), (database) => database.stop());
  const broker = cleanup.add(await startBenchBroker(), (started) => started.stop());
  const place = { broker: broker.url, influx: influxd.url, folder };
  const contestant = cleanup.add(await start(place), (started) => started.stop());
  const log = createLogger({ name: "bench", level: "silent" });
  const options = { url: broker.url, clientId: "bench", log, waitMs: WAIT_MS };
  const connection = cleanup.add(await connectMqtt(options), (connected) => connected.close());

  // Whether it is subscribed cannot be seen from here: it is when the first message arrives.
  await eventually(
    async () => {
      await publishAll(connection, warmUp.slice(0, 1), contestant);
      await expectPoints(influxd.url, pointsOf(warmUp.slice(0, 1)));
    },
    { timeoutMs: WAIT_MS, everyMs: 500 },
  );
  await publishAll(connection, warmUp, contestant);
  await waitForPoints(influxd.url, pointsOf(warmUp));

  const [cpuUs, startedMs] = [await cpuUsOf(contestant.pid), performance.now()];
  await publishAll(connection, counted, contestant);
  await waitForPoints(influxd.url, pointsOf(warmUp) + pointsOf(counted));
  const [spentUs, elapsedMs] = [(await cpuUsOf(contestant.pid)) - cpuUs, performance.now() - startedMs];
  return { perCpuS: (pointsOf(counted) / spentUs) * 1e6, perS: (pointsOf(counted) / elapsedMs) * 1e3 };
}

/** Lets the minimal program write the same lines from a file. */
export async function runRaw({ counted }: Stream): Promise<Figures> {
  await using cleanup = new Cleanup();
  const folder = cleanup.add(await tempDir(), (dir) => dir[Symbol.asyncDispose]()).path;
  const influxd = cleanup.add(await startInfluxd(), (database) => database.stop());
  await fetch(`${influxd.url}/query`, { method: "POST", body: new URLSearchParams({ q: "CREATE DATABASE edgewatt" }) });
  const writer = cleanup.add(await startRaw({ influx: influxd.url, folder }, counted), (started) => started.stop());
  const [cpuUs, startedMs] = [await cpuUsOf(writer.pid), performance.now()];
  await writer.write();
  await waitForPoints(influxd.url, pointsOf(counted));
  const [spentUs, elapsedMs] = [(await cpuUsOf(writer.pid)) - cpuUs, performance.now() - startedMs];
  return { perCpuS: (pointsOf(counted) / spentUs) * 1e6, perS: (pointsOf(counted) / elapsedMs) * 1e3 };
}

export function pointsOf(messages: readonly StreamMessage[]): number {
  return messages.reduce((sum, { lines }) => sum + lines.length, 0);
}

async function publishAll(
  connection: MqttConnection,
  messages: readonly StreamMessage[],
  { payload }: Pick<Contestant, "payload">,
): Promise<void> {
  const underway = new Set<Promise<void>>();
  for (const message of messages) {
    const sent: Promise<void> = connection
      .publish(message.topic, payload(message))
      .then(() => void underway.delete(sent));
    underway.add(sent);
    if (underway.size >= WINDOW) await Promise.race(underway);
  }
  await Promise.all(underway);
}

async function expectPoints(influx: string, points: number): Promise<void> {
  const [row] = await queryInflux(influx, 'SELECT count("watts") FROM "power"');
  const found = Number(row?.["count"] ?? 0);
  if (found !== points)
    throw new BenchError(`${found} of ${points} points reached the database`, { code: "points-missing" });
}

function waitForPoints(influx: string, points: number): Promise<void> {
  return eventually(() => expectPoints(influx, points), { timeoutMs: WAIT_MS, everyMs: POLL_MS });
}
