import path from "node:path";
import { connectMqtt, dataDir, displayUrl, runService, type Clock } from "@edgewatt/runtime";
import { ingestConfig, type IngestConfig } from "./config.ts";
import { DeadLetters } from "./dead-letters.ts";
import { Ingest } from "./ingest.ts";
import { InfluxSink } from "./sinks/influx.ts";
import { LineProtocolFiles } from "./sinks/line-protocol-files.ts";
import type { Sink } from "./sinks/sink.ts";
import { IngestStatus } from "./status.ts";

const BROKER_WAIT_MS = 10_000;
const WRITE_TIMEOUT_MS = 10_000;
const MAX_QUEUE_SIZE = 64 * 1024 * 1024;

function openSink(config: IngestConfig, telemetryDir: string, clock: Clock): Sink {
  const { influx, influxUser: user, influxPassword: password } = config;
  if (influx === undefined) return new LineProtocolFiles(telemetryDir, clock);
  return new InfluxSink({ url: influx, user, password, timeoutMs: WRITE_TIMEOUT_MS, clock });
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
      keepaliveS: config.keepaliveS,
      log,
      signal,
      will: () => status.will(),
      waitMs: BROKER_WAIT_MS,
    });
    const sink = openSink(config, telemetryDir, clock);
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
