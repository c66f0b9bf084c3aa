import { afterEach } from "vitest";
import { decodeMessage, topicFilter, type ServiceStatus } from "@edgewatt/protocol";
import { connectMqtt, createLogger } from "@edgewatt/runtime";
import {
  queryInflux,
  spawnService,
  startBroker,
  startInfluxd,
  startMosquitto,
  tempDir,
  type SpawnedService,
  type TestInfluxd,
  VirtualDevice,
} from "@edgewatt/testing";

export const INGEST_BIN = new URL("../bin/edgewatt-ingest.js", import.meta.url);

export type BrokerKind = "aedes" | "mosquitto";

/** What the current test has started, to be ended after it in reverse order. */
export const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

export async function brokerUrl(kind: BrokerKind = "aedes"): Promise<string> {
  const broker = kind === "aedes" ? await startBroker() : await startMosquitto();
  undo.push(() => broker.stop());
  return broker.url;
}

export async function influx(): Promise<TestInfluxd> {
  const started = await startInfluxd();
  undo.push(() => started.stop());
  return started;
}

/** The service as a process, with a data folder of its own unless `--data` is among the arguments. */
export async function ingest(...args: string[]): Promise<SpawnedService & { data: string }> {
  const dir = await tempDir();
  const service = await spawnService(INGEST_BIN, ["--data", dir.path, "--log-level", "warn", ...args]);
  undo.push(async () => {
    service.child.kill("SIGCONT");
    await service.stop();
    await dir[Symbol.asyncDispose]();
  });
  return { ...service, data: dir.path };
}

export async function device(url: string, id = "pi-1"): Promise<VirtualDevice> {
  const connected = await VirtualDevice.connect(url, id);
  undo.push(() => connected.connection.close());
  return connected;
}

/** Everything that ingest services say of themselves from now on, what is stored first. */
export async function watchStatus(url: string, id = "+"): Promise<ServiceStatus[]> {
  const seen: ServiceStatus[] = [];
  const connection = await connectMqtt({
    url,
    clientId: `watcher-${id === "+" ? "all" : id}`,
    log: createLogger({ name: "watcher", level: "silent" }),
    waitMs: 45_000,
  });
  undo.push(() => connection.close());
  await connection.subscribe(
    topicFilter("service", { name: "ingest", id }),
    ({ payload }) => seen.push(decodeMessage("service", payload)),
    { qos: 1 },
  );
  return seen;
}

export async function countPower(url: string): Promise<unknown> {
  const [row] = await queryInflux(url, 'SELECT count("watts") FROM "power"');
  return row?.["count"] ?? 0;
}
