import assert from "node:assert/strict";
import type { Channel, Stream } from "@edgewatt/protocol";
import { DatabaseClient, DEFAULT_RETENTION, DOWNSAMPLED, recompute, setUpRetention } from "@edgewatt/database";
import {
  eventually,
  queryInflux,
  spawnService,
  startBroker,
  startInfluxd,
  tempDir,
  VirtualDevice,
} from "@edgewatt/testing";
import { DEVICES, SPAN_US, telemetry } from "./telemetry.ts";

const INGEST = new URL("../../../ingest/bin/edgewatt-ingest.js", import.meta.url);

export interface FilledDatabase extends AsyncDisposable {
  readonly url: string;
  /** The first point of the telemetry, and just after the last one, ms since the epoch. */
  readonly t0Ms: number;
  readonly endMs: number;
}

/** What each device sends, batch by batch, from the time of its first point in µs. */
export interface Senders {
  readonly devices: readonly string[];
  readonly telemetry: (device: string, t0Us: number) => [Stream, Record<string, Channel>][];
}

/** A real influxd with means, which a real ingest has filled from a real broker. */
export async function fillDatabase(senders: Senders = { devices: DEVICES, telemetry }): Promise<FilledDatabase> {
  const undo: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return { ...(await fill(senders, undo)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function fill(
  { devices, telemetry: batchesOf }: Senders,
  undo: (() => Promise<unknown>)[],
): Promise<Omit<FilledDatabase, typeof Symbol.asyncDispose>> {
  const influx = await startInfluxd();
  undo.push(() => influx.stop());
  const client = new DatabaseClient({ url: influx.url });
  await setUpRetention(client, DEFAULT_RETENTION);
  const broker = await startBroker();
  undo.push(() => broker.stop());
  const dir = await tempDir();
  undo.push(async () => dir[Symbol.asyncDispose]());
  const ingest = await spawnService(INGEST, [
    "--broker",
    broker.url,
    "--influx",
    influx.url,
    "--data",
    dir.path,
    "--log-level",
    "warn",
  ]);
  undo.push(() => ingest.stop());
  // Ingest tells of itself every ten seconds.
  await eventually(async () => assert.notEqual((await queryInflux(influx.url, 'SELECT * FROM "pipeline"')).length, 0));
  const t0Us = Math.floor(Date.now() / 1000) * 1e6;
  for (const id of devices) {
    const batches = batchesOf(id, t0Us);
    const device = await VirtualDevice.connect(broker.url, id);
    undo.push(() => device.connection.close());
    for (const [seq, [stream, channels]] of batches.entries()) await device.send(stream, seq, channels);
    await eventually(() => assert.equal(device.acked.size, batches.length));
  }
  // A write that a slow disk held up is made again; nothing may be refused.
  const complaints = ingest
    .stderr()
    .split("\n")
    .filter((line) => line !== "" && !line.includes("holding: "));
  assert.deepEqual(complaints, []);
  const endMs = (t0Us + SPAN_US) / 1000 + 1000;
  const stretch = { fromS: t0Us / 1e6 - 60, toS: Math.ceil(endMs / 1000) };
  for (const measurement of DOWNSAMPLED) await recompute(client, { rawPolicy: "autogen", measurement, stretch });
  return { url: influx.url, t0Ms: t0Us / 1000, endMs };
}
