import { spawnService, startBroker, tempDir, type SpawnedService, type TestBroker } from "@edgewatt/testing";
import type { MqttConnection } from "@edgewatt/runtime";
import { connectTo, startHub } from "./stack.ts";

const AGENT = new URL("../../edge-agent/bin/edgewatt-agent.js", import.meta.url);

/** Broker, hub and an agent that really runs models, each of which can be ended and started again in its place. */
export class PageStack implements AsyncDisposable {
  readonly dir: string;
  readonly device = "pi-1";
  /** Of the hub, through all its restarts. */
  readonly url: string;
  readonly connection: MqttConnection;
  readonly agent: SpawnedService;
  #broker: TestBroker;
  #hub: SpawnedService;
  readonly #dispose: () => Promise<void>;

  private constructor(parts: {
    dir: string;
    broker: TestBroker;
    hub: SpawnedService;
    agent: SpawnedService;
    connection: MqttConnection;
    dispose: () => Promise<void>;
  }) {
    this.dir = parts.dir;
    this.url = parts.hub.ready["hub"] as string;
    this.connection = parts.connection;
    this.agent = parts.agent;
    this.#broker = parts.broker;
    this.#hub = parts.hub;
    this.#dispose = parts.dispose;
  }

  static async start(): Promise<PageStack> {
    const temp = await tempDir();
    const broker = await startBroker();
    const hub = await startHub({ broker: broker.url, dir: temp.path });
    const args = ["--broker", broker.url, "--data", temp.path, "--device", "pi-1", "--log-level", "error"];
    const agent = await spawnService(AGENT, args, { env: { EDGEWATT_DATASETS: "" } });
    const connection = await connectTo(broker.url);
    return new PageStack({
      dir: temp.path,
      broker,
      hub,
      agent,
      connection,
      dispose: async () => temp[Symbol.asyncDispose](),
    });
  }

  async killBroker(): Promise<void> {
    await this.#broker.stop("SIGKILL");
  }

  async startBroker(): Promise<void> {
    this.#broker = await startBroker({ mqttPort: Number(new URL(this.#broker.url).port) });
  }

  async killHub(): Promise<void> {
    await this.#hub.stop("SIGKILL");
  }

  async startHub(): Promise<void> {
    const args = ["--http-port", new URL(this.url).port];
    this.#hub = await startHub({ broker: this.#broker.url, dir: this.dir, args });
  }

  /** Keeps the agent from answering while `during` goes on. */
  async whileAgentStands(during: () => Promise<void>): Promise<void> {
    this.agent.child.kill("SIGSTOP");
    try {
      await during();
    } finally {
      this.agent.child.kill("SIGCONT");
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.connection.close();
    await this.agent.stop();
    await this.#hub.stop();
    await this.#broker.stop();
    await this.#dispose();
  }
}
