import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { spawnService, startBroker, tempDir, type SpawnedService, type TestBroker } from "@edgewatt/testing";

const BIN = new URL("../bin/edgewatt-hub.js", import.meta.url);

export interface Stack {
  readonly broker: TestBroker;
  readonly hub: SpawnedService;
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  readonly dir: string;
  /** A second connection to the broker, for the test. */
  readonly connection: MqttConnection;
  [Symbol.asyncDispose](): Promise<void>;
}

export async function startHub(options: {
  broker: string;
  dir: string;
  args?: readonly string[];
}): Promise<SpawnedService> {
  const { broker, dir, args = [] } = options;
  const common = ["--broker", broker, "--http-port", "0", "--data", dir, "--log-level", "warn"];
  // What a developer's shell may set must not change a test; empty counts as unset.
  return spawnService(BIN, [...common, ...args], { env: { EDGEWATT_DATASETS: "" } });
}

export async function connectTo(url: string): Promise<MqttConnection> {
  const log = createLogger({ name: "test", level: "fatal" });
  return connectMqtt({ url, clientId: `_test-${Math.random().toString(36).slice(2)}`, log, waitMs: 45_000 });
}

/** A broker, a hub and a connection, as separate processes where they are such in life. */
export async function startStack(options: { args?: readonly string[] } = {}): Promise<Stack> {
  const dir = await tempDir();
  const broker = await startBroker();
  const hub = await startHub({ broker: broker.url, dir: dir.path, ...options });
  const connection = await connectTo(broker.url);
  return {
    broker,
    hub,
    url: hub.ready["hub"] as string,
    dir: dir.path,
    connection,
    async [Symbol.asyncDispose]() {
      await connection.close();
      await hub.stop();
      await broker.stop();
      await dir[Symbol.asyncDispose]();
    },
  };
}
