import { encodeMessage, formatTopic, type Stream } from "@edgewatt/protocol";
import type { MqttConnection } from "@edgewatt/runtime";
import type { Columns } from "./batches/batcher.ts";

/** Publishes the newest values for whoever watches, never stored, never waited for. Its callers are silent in windows and idle stretches. */
export class Live {
  readonly #device: string;
  readonly #boot: number;
  readonly #mqtt: MqttConnection;

  constructor(device: string, boot: number, mqtt: MqttConnection) {
    this.#device = device;
    this.#boot = boot;
    this.#mqtt = mqtt;
  }

  /** @param tUs µs since the epoch */
  publish(stream: Stream, channel: string, tUs: number, columns: Columns): void {
    if (!this.#mqtt.connected) return;
    const known = Object.entries(columns).filter(([, cell]) => cell !== null);
    const payload = encodeMessage("live", {
      v: 1,
      boot: this.#boot,
      ch: { [channel]: { t: Math.round(tUs), ...Object.fromEntries(known) } },
    });
    // QoS 0 while disconnecting: lost by design.
    this.#mqtt
      .publish(formatTopic({ kind: "live", device: this.#device, stream }), payload, { qos: 0 })
      .catch(() => {});
  }
}
