import path from "node:path";
import { DatabaseClient } from "@edgewatt/database";
import { connectMqtt, dataDir, displayUrl, DiskWatch, runService, type Clock, type Logger } from "@edgewatt/runtime";
import { ingestConfig, type IngestConfig } from "./config.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Ingest } from "./ingest.ts";
import { LateDataSink } from "./late-data/late-data-sink.ts";
import { LateLedger } from "./late-data/ledger.ts";
import { Recomputer } from "./late-data/recomputer.ts";
import { DiskGuardedSink } from "./sinks/disk-guarded-sink.ts";
import { InfluxSink } from "./sinks/influx.ts";
import { LineProtocolFiles } from "./sinks/line-protocol-files.ts";
import type { Sink } from "./sinks/sink.ts";
import { IngestStatus } from "./status.ts";

const BROKER_WAIT_MS = 10_000;
const WRITE_TIMEOUT_MS = 10_000;
const MAX_QUEUE_SIZE = 64 * 1024 * 1024;
const MB = 1e6;

interface Place {
  readonly data: string;
  readonly clock: Clock;
  readonly log: Logger;
}

/** Whether what is written there fills a disk of this machine. */
function isHere(influx: string | undefined): boolean {
  return influx === undefined || /^(127\.\d+\.\d+\.\d+|localhost|\[::1\])$/.test(new URL(influx).hostname);
}

async function openSink(config: IngestConfig, place: Place): Promise<Sink> {
  const { data, clock, log } = place;
  const sink = await openStore(config, place);
  if (!isHere(config.influx)) return sink;
  const reserveBytes = config.diskReserveMb * MB;
  const consequence = "telemetry is held by the agents";
  return new DiskGuardedSink(sink, await DiskWatch.start({ dir: data, reserveBytes, consequence, log, clock }));
}

async function openStore(config: IngestConfig, { data, clock, log }: Place): Promise<Sink> {
  const { influx: url, influxUser: user, influxPassword: password } = config;
  if (url === undefined) return new LineProtocolFiles(path.join(data, "telemetry"), clock);
  const sink = new InfluxSink({ url, user, password, timeoutMs: WRITE_TIMEOUT_MS, clock });
  const ledger = await LateLedger.open(path.join(data, `late-${config.id}.json`), log);
  const client = new DatabaseClient({ url, user, password });
  return new LateDataSink(sink, new Recomputer({ client, ledger, log, clock }), clock);
}

await runService({
  name: "ingest",
  summary: "Writes the telemetry of all devices to InfluxDB, or to files, and acknowledges what is durable.",
  schema: ingestConfig,
  async start({ config, log, clock, signal }) {
    const data = await dataDir(config.data);
    const telemetryDir = path.join(data, "telemetry");
    const status = new IngestStatus(config.id, clock);
    const connection = await connectMqtt({
      url: config.broker,
      // No device can have this id: theirs have no underscore.
      clientId: `_ingest-${config.id}`,
      log,
      signal,
      will: () => status.will(),
      waitMs: BROKER_WAIT_MS,
    });
    const sink = await openSink(config, { data, clock, log });
    const deadLetters = new DeadLetters(path.join(data, "dead-letters"), clock);
    const close = async () => {
      await connection.close();
      await sink.close();
      await deadLetters.close();
    };
    const ingest = await Ingest.start({
      id: config.id,
      connection,
      sink,
      deadLetters,
      status,
      log,
      clock,
      maxQueueSize: MAX_QUEUE_SIZE,
    }).catch(async (error: unknown) => {
      await close();
      throw error;
    });
    return {
      ready:
        config.influx === undefined ? { influx: null, files: telemetryDir } : { influx: displayUrl(config.influx) },
      async stop() {
        await ingest.stop();
        await close();
      },
    };
  },
});
