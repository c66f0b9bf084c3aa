import assert from "node:assert/strict";
import type { Channel, Stream } from "@edgewatt/protocol";
import { eventually, spawnService, startBroker, startInfluxd, tempDir, VirtualDevice } from "@edgewatt/testing";

const INGEST = new URL("../../ingest/bin/edgewatt-ingest.js", import.meta.url);

export type Batch = readonly [Stream, Record<string, Channel>];

/** A real broker, ingest and InfluxDB, into which devices send. */
export interface Pipeline extends AsyncDisposable {
  /** Of InfluxDB. */
  readonly url: string;
  /** Resolves when everything that the device sent is durable; what ingest complains of is an error. */
  send(device: string, batches: readonly Batch[]): Promise<void>;
}

/** @param prepare is done to InfluxDB, by its address, before anything is written to it */
export async function startPipeline(prepare?: (url: string) => Promise<unknown>): Promise<Pipeline> {
  const undo: (() => Promise<unknown>)[] = [];
  const dispose = async () => {
    for (const step of undo.splice(0).toReversed()) await step();
  };
  try {
    return { ...(await start(undo, prepare)), [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

async function start(
  undo: (() => Promise<unknown>)[],
  prepare: ((url: string) => Promise<unknown>) | undefined,
): Promise<Pick<Pipeline, "url" | "send">> {
  const influx = await startInfluxd();
  undo.push(() => influx.stop());
  await prepare?.(influx.url);
  const broker = await startBroker();
  undo.push(() => broker.stop());
  const dir = await tempDir();
  undo.push(async () => dir[Symbol.asyncDispose]());
  const flags = ["--broker", broker.url, "--influx", influx.url, "--data", dir.path, "--log-level", "warn"];
  const ingest = await spawnService(INGEST, flags);
  undo.push(() => ingest.stop());
  return {
    url: influx.url,
    async send(id, batches) {
      const device = await VirtualDevice.connect(broker.url, id);
      for (const [seq, [stream, channels]] of batches.entries()) await device.send(stream, seq, channels);
      await eventually(() => assert.equal(device.acked.size, batches.length));
      await device.connection.close();
      // A write that a slow disk held up is made again; nothing may be refused.
      const complaints = ingest
        .stderr()
        .split("\n")
        .filter((line) => line !== "" && !line.includes("holding: "));
      assert.deepEqual(complaints, []);
    },
  };
}
