import {
  decodeMessage,
  encodeMessage,
  formatTopic,
  parseTopic,
  topicFilter,
  type Channel,
  type Stream,
} from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";

const CONNECT_WAIT_MS = 45_000;

/** A device as services see it: batches of telemetry go out over MQTT, acknowledgements come in. */
export class VirtualDevice {
  readonly id: string;
  readonly connection: MqttConnection;
  /** `stream/boot/seq` of every batch that was acknowledged. */
  readonly acked = new Set<string>();

  private constructor(id: string, connection: MqttConnection) {
    this.id = id;
    this.connection = connection;
  }

  static async connect(url: string, id: string): Promise<VirtualDevice> {
    const log = createLogger({ name: id, level: "silent" });
    const device = new VirtualDevice(id, await connectMqtt({ url, clientId: id, log, waitMs: CONNECT_WAIT_MS }));
    const onAck = ({ topic, payload }: { topic: string; payload: Uint8Array }) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind !== "ack") return;
      const { boot, ranges } = decodeMessage("ack", payload);
      for (const [first, last] of ranges) {
        for (let seq = first; seq <= last; seq++) device.acked.add(`${parsed.stream}/${boot}/${seq}`);
      }
    };
    await device.connection.subscribe(topicFilter("ack", { device: id }), onAck, { qos: 1 });
    return device;
  }

  /** Sends batch `seq` of boot 1; resolves when the broker has it. */
  async send(stream: Stream, seq: number, ch: Record<string, Channel>): Promise<void> {
    await this.sendRaw(stream, encodeMessage("telemetry", { v: 1, boot: 1, seq, sync: true, ch }));
  }

  /** Sends any payload as a batch of telemetry. */
  async sendRaw(stream: Stream, payload: string): Promise<void> {
    await this.connection.publish(formatTopic({ kind: "telemetry", device: this.id, stream }), payload, { qos: 1 });
  }
}
