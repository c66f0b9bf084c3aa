import path from "node:path";
import { DatabaseClient } from "@edgewatt/database";
import type { Clock, Logger } from "@edgewatt/runtime";
import type { IngestConfig } from "../config.ts";
import { LateDataSink } from "../late-data/late-data-sink.ts";
import { LateLedger } from "../late-data/ledger.ts";
import { Recomputer } from "../late-data/recomputer.ts";
import { DiskGuardedSink } from "./disk-guarded-sink.ts";
import type { DiskRoom } from "./disk-room.ts";
import { InfluxSink } from "./influx.ts";
import { LineProtocolFiles } from "./line-protocol-files.ts";
import type { Sink } from "./sink.ts";

const WRITE_TIMEOUT_MS = 10_000;

export interface SinkPlace {
  /** Name of the instance. */
  readonly id: string;
  readonly data: string;
  /** Folder of line-protocol files, where there is no database. */
  readonly telemetryDir: string;
  /** Of the data folder. */
  readonly disk: DiskRoom;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whether what is written there fills a disk of this machine. */
function isHere(influx: string | undefined): boolean {
  return influx === undefined || /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(influx).hostname);
}

/** Where an ingest of this configuration stores points: a database with its means, or files; on a disk of its own machine within a reserve. */
export async function openSink(config: IngestConfig, place: SinkPlace): Promise<Sink> {
  const sink = await openStore(config, place);
  if (!isHere(config.influx)) return sink;
  return new DiskGuardedSink(sink, place.disk);
}

async function openStore(config: IngestConfig, { id, data, telemetryDir, clock, log }: SinkPlace): Promise<Sink> {
  const { influx: url, influxUser: user, influxPassword: password } = config;
  if (url === undefined) return new LineProtocolFiles(telemetryDir, clock);
  const sink = new InfluxSink({ url, user, password, timeoutMs: WRITE_TIMEOUT_MS });
  const ledger = await LateLedger.open(path.join(data, `late-${id}.json`), log);
  const connect = (signal: AbortSignal) => new DatabaseClient({ url, user, password, signal });
  return new LateDataSink(sink, new Recomputer({ connect, ledger, log, clock }), clock);
}
