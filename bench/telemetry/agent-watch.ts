import { decodeMessage, formatTopic, topicFilter, type TelemetryBatch } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";
import { DEVICE } from "./agent-stack.ts";

/** What an onlooker at the broker sees of an agent's stream `power`: when batches come, and when ingest says that they are stored. */
export class AgentWatch {
  readonly #mqtt: MqttConnection;
  readonly #backlogBoot: number;
  readonly #takenMs = new Map<number, number>();
  /** Age of the oldest row of each batch of the live boot when it came, s. */
  readonly agesS: number[] = [];
  /** The same when it was stored. */
  readonly storedAgesS: number[] = [];
  /** Batches of the backlog that are stored, in all streams. */
  readonly #stored = new Set<string>();

  private constructor(mqtt: MqttConnection, backlogBoot: number) {
    this.#mqtt = mqtt;
    this.#backlogBoot = backlogBoot;
  }

  /** @param backlogBoot whose batches are no live data */
  static async connect(url: string, backlogBoot: number): Promise<AgentWatch> {
    const log = createLogger({ name: "watch", level: "warn" });
    const watch = new AgentWatch(await connectMqtt({ url, clientId: "bench-watch", log, waitMs: 45_000 }), backlogBoot);
    const power = formatTopic({ kind: "telemetry", device: DEVICE, stream: "power" });
    await watch.#mqtt.subscribe(power, ({ payload }) => watch.#receive(decodeMessage("telemetry", payload)));
    await watch.#mqtt.subscribe(topicFilter("ack", { device: DEVICE }), ({ topic, payload }) => {
      const { boot, ranges } = decodeMessage("ack", payload);
      for (const [first, last] of ranges) {
        for (let seq = first; seq <= last; seq++) watch.#acknowledged(topic, boot, seq);
      }
    });
    return watch;
  }

  /** Batches of the backlog that are stored. */
  get stored(): number {
    return this.#stored.size;
  }

  close(): Promise<void> {
    return this.#mqtt.close();
  }

  #receive({ boot, seq, ch }: TelemetryBatch): void {
    const { main } = ch;
    if (boot === this.#backlogBoot || main === undefined || this.#takenMs.has(seq)) return;
    this.#takenMs.set(seq, main.t0 / 1000);
    this.agesS.push((Date.now() - main.t0 / 1000) / 1000);
  }

  #acknowledged(topic: string, boot: number, seq: number): void {
    if (boot === this.#backlogBoot) {
      this.#stored.add(`${topic}/${seq}`);
      return;
    }
    const takenMs = this.#takenMs.get(seq);
    if (takenMs !== undefined && topic.endsWith("/power")) this.storedAgesS.push((Date.now() - takenMs) / 1000);
  }
}
