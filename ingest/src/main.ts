import path from "node:path";
import {
  brokerHealth,
  connectMqtt,
  dataDir,
  DiskWatch,
  displayUrl,
  lockFolder,
  PREDECESSOR_WAIT_MS,
  runService,
  type Health,
  type MqttConnection,
  type Observation,
  type ServiceContext,
} from "@edgewatt/runtime";
import { ingestConfig, type IngestConfig } from "./config.ts";
import { DeadLetters } from "./dead-letters.ts";
import { instanceId } from "./identity.ts";
import { Ingest } from "./ingest.ts";
import { ingestMetrics } from "./metrics.ts";
import { Peers } from "./sharing/peers.ts";
import { openSink } from "./sinks/open.ts";
import { IngestStats } from "./stats.ts";
import { IngestStatus } from "./status.ts";

const BROKER_WAIT_MS = 10_000;
const MAX_QUEUE_SIZE = 64 * 1024 * 1024;
const MB = 1e6;

function connect(id: string, status: IngestStatus, { config, log, signal }: ServiceContext<IngestConfig>) {
  return connectMqtt({
    url: config.broker,
    // No device can have this id: theirs have no underscore. Each run has its own: with one id two instances of one name
    // would end each other's connection for ever, and neither would hear of the other.
    clientId: `_ingest-${id}-${status.epoch.toString(36)}`,
    keepaliveS: config.keepaliveS,
    log,
    signal,
    will: () => status.will(),
    waitMs: BROKER_WAIT_MS,
  });
}

function healthOf(connection: MqttConnection, { isHolding, reason }: IngestStatus): Health {
  if (!connection.connected || !isHolding) return brokerHealth(connection.connected);
  return { healthy: false, state: "holding", ...(reason === undefined ? {} : { reason }) };
}

interface Started {
  /** Rejects when another instance turns out to have the name. */
  readonly lost: Promise<never>;
  readonly observation: Observation;
  readonly stop: () => Promise<void>;
}

/** Everything behind the connection, which it closes when it cannot start, and at the end. */
async function startOn(
  connection: MqttConnection,
  parts: { id: string; data: string; telemetryDir: string; status: IngestStatus },
  { config, log, clock, signal }: ServiceContext<IngestConfig>,
): Promise<Started> {
  const { id, data, telemetryDir, status } = parts;
  const disk = await DiskWatch.start({
    dir: data,
    reserveBytes: config.diskReserveMb * MB,
    consequence: "telemetry is held by the agents",
    log,
    clock,
  });
  const sink = await openSink(config, { id, data, telemetryDir, disk, clock, log });
  const deadLetters = new DeadLetters(path.join(data, "dead-letters"), { clock, disk });
  let peers: Peers | undefined;
  const close = async () => {
    peers?.[Symbol.dispose]();
    await connection.close();
    await sink.close();
    await deadLetters.close();
    disk[Symbol.dispose]();
  };
  try {
    const joined = (peers = await Peers.join({ id, connection, status, log, clock, signal }));
    const ingest = await Ingest.start({
      id,
      connection,
      sink,
      deadLetters,
      status,
      stats: new IngestStats(),
      owns: (device) => joined.owns(device),
      log,
      clock,
      maxQueueSize: MAX_QUEUE_SIZE,
    });
    status.tell(() => {
      const { figures } = ingest;
      const { points, batches, acks } = figures;
      return { points, batches, acks, deadLetters: figures.deadLetters, queue: figures.queueBatches };
    });
    return {
      lost: joined.lost,
      observation: {
        metrics: ingestMetrics({ connected: () => connection.connected, figures: () => ingest.figures }),
        health: () => healthOf(connection, status),
      },
      async stop() {
        await ingest.stop();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

await runService({
  name: "ingest",
  summary: "Writes the telemetry of all devices to InfluxDB, or to files, and acknowledges what is durable.",
  schema: ingestConfig,
  async start(context) {
    const { config, clock, signal } = context;
    const data = await dataDir(config.data);
    const telemetryDir = path.join(data, "telemetry");
    // Its files are appended to by one process.
    const lock = await lockFolder(data, "ingest", { waitMs: PREDECESSOR_WAIT_MS, signal });
    try {
      const id = config.id ?? (await instanceId(data));
      const status = new IngestStatus(id, clock);
      const connection = await connect(id, status, context);
      const started = await startOn(connection, { id, data, telemetryDir, status }, context);
      const to =
        config.influx === undefined ? { influx: null, files: telemetryDir } : { influx: displayUrl(config.influx) };
      return {
        ready: { ...to, id },
        failed: started.lost,
        observation: started.observation,
        async stop() {
          await started.stop();
          await lock.release();
        },
      };
    } catch (error) {
      await lock.release();
      throw error;
    }
  },
});
