import { decodeMessage, encodeMessage, formatTopic, type Channel, type Stream } from "@edgewatt/protocol";
import { connectMqtt, createLogger, type MqttConnection } from "@edgewatt/runtime";

export const T0 = 1_700_000_000_000_000;

/** A device as ingest sees it: batches go out, acknowledgements come in. */
export class VirtualDevice {
  readonly id: string;
  readonly connection: MqttConnection;
  /** `boot/seq` of every batch of stream power that was acknowledged. */
  readonly acked = new Set<string>();

  private constructor(id: string, connection: MqttConnection) {
    this.id = id;
    this.connection = connection;
  }

  static async connect(url: string, id: string): Promise<VirtualDevice> {
    const log = createLogger({ name: id, level: "silent" });
    const device = new VirtualDevice(id, await connectMqtt({ url, clientId: id, log, waitMs: 10_000 }));
    await device.connection.subscribe(
      formatTopic({ kind: "ack", device: id, stream: "power" }),
      ({ payload }) => {
        const { boot, ranges } = decodeMessage("ack", payload);
        for (const [first, last] of ranges)
          for (let seq = first; seq <= last; seq++) device.acked.add(`${boot}/${seq}`);
      },
      { qos: 1 },
    );
    return device;
  }

  /** Batch `seq` of stream power: ten points a second, five in a batch, always the same for the same number. */
  async sendPower(seq: number, extra: Partial<Channel> = {}): Promise<void> {
    const channel = {
      t0: T0 + seq * 500_000,
      dt: [0, 100_000, 200_000, 300_000, 400_000],
      w: [3, 3.5, 4, 3.5, 3],
      source: "estimate",
      ...extra,
    };
    await this.send("power", seq, { main: channel });
  }

  async send(stream: Stream, seq: number, ch: Record<string, Channel>): Promise<void> {
    const payload = encodeMessage("telemetry", { v: 1, boot: 1, seq, sync: true, ch });
    await this.sendRaw(stream, payload);
  }

  async sendRaw(stream: Stream, payload: string): Promise<void> {
    await this.connection.publish(formatTopic({ kind: "telemetry", device: this.id, stream }), payload, { qos: 1 });
  }
}

export function sequence(count: number): number[] {
  return Array.from({ length: count }, (_, i) => i);
}

export function ackKeys(count: number): string[] {
  return sequence(count).map((seq) => `1/${seq}`);
}
