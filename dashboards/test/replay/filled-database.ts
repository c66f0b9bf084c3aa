import assert from "node:assert/strict";
import { DatabaseClient, DEFAULT_RETENTION, DOWNSAMPLED, recompute, setUpRetention } from "@edgewatt/database";
import { eventually, queryInflux } from "@edgewatt/testing";
import { startPipeline, type Batch } from "../pipeline.ts";
import { DEVICES, SPAN_US, telemetry } from "./telemetry.ts";

export interface FilledDatabase extends AsyncDisposable {
  readonly url: string;
  /** The first point of the telemetry, and just after the last one, ms since the epoch. */
  readonly t0Ms: number;
  readonly endMs: number;
}

/** What each device sends, batch by batch, from the time of its first point in µs. */
export interface Senders {
  readonly devices: readonly string[];
  readonly telemetry: (device: string, t0Us: number) => readonly Batch[];
}

/** A real influxd with means, which a real ingest has filled from a real broker. */
export async function fillDatabase(senders: Senders = { devices: DEVICES, telemetry }): Promise<FilledDatabase> {
  const pipeline = await startPipeline((url) => setUpRetention(new DatabaseClient({ url }), DEFAULT_RETENTION));
  const { url } = pipeline;
  try {
    // Ingest tells of itself every ten seconds.
    await eventually(async () => assert.notEqual((await queryInflux(url, 'SELECT * FROM "pipeline"')).length, 0));
    const t0Us = Math.floor(Date.now() / 1000) * 1e6;
    for (const device of senders.devices) await pipeline.send(device, senders.telemetry(device, t0Us));
    const endMs = (t0Us + SPAN_US) / 1000 + 1000;
    const stretch = { fromS: t0Us / 1e6 - 60, toS: Math.ceil(endMs / 1000) };
    const client = new DatabaseClient({ url });
    for (const measurement of DOWNSAMPLED) await recompute(client, { rawPolicy: "autogen", measurement, stretch });
    return { url, t0Ms: t0Us / 1000, endMs, [Symbol.asyncDispose]: () => pipeline[Symbol.asyncDispose]() };
  } catch (error) {
    await pipeline[Symbol.asyncDispose]();
    throw error;
  }
}
