import { decodeMessage, encodeMessage, formatTopic, type DeviceStatus } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage, MqttWill } from "@edgewatt/runtime";

/** What the broker remembers about this device, and its will. The device alone writes it. */
export class Presence {
  readonly #device: string;
  readonly #boot: number;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #topic: string;
  #conn = 0;
  #mqtt: MqttConnection | undefined;
  #measuringUntil: number | undefined;

  constructor(options: { device: string; boot: number; clock: Clock; log: Logger }) {
    this.#device = options.device;
    this.#boot = options.boot;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#topic = formatTopic({ kind: "status", device: this.#device });
  }

  get topic(): string {
    return this.#topic;
  }

  /** The will of the connection that is about to be made. */
  will(): MqttWill {
    return {
      topic: this.#topic,
      payload: this.#encode("offline", this.#conn + 1, "connection lost"),
      qos: 1,
      retain: true,
    };
  }

  /** A connection stands: counts it and says so. */
  connected(mqtt: MqttConnection): void {
    this.#mqtt = mqtt;
    this.#conn += 1;
    this.#announce();
  }

  /**
   * A status of this device from the broker. The will of an earlier connection may come after our announcement and would
   * stay: say again that we are here.
   */
  receive({ payload }: MqttMessage): void {
    if (payload.byteLength === 0) return;
    const status = decodeMessage("status", payload);
    const older = status.boot < this.#boot || (status.boot === this.#boot && status.conn < this.#conn);
    if (status.state === "offline" && older && this.#mqtt?.connected === true) this.#announce();
  }

  /** Until then silence is a measured window and not a fault; `undefined` ends that. */
  setMeasuringUntil(epochMs: number | undefined): void {
    if (this.#measuringUntil === epochMs) return;
    this.#measuringUntil = epochMs;
    this.#announce();
  }

  /** Says goodbye; the will is then not published. */
  async leave(): Promise<void> {
    if (this.#mqtt?.connected !== true) return;
    const payload = this.#encode("offline", this.#conn, "shutdown");
    await this.#mqtt.publish(this.#topic, payload, { qos: 1, retain: true });
  }

  #announce(): void {
    this.#mqtt
      ?.publish(this.#topic, this.#encode("online", this.#conn, "connected"), { qos: 1, retain: true })
      .catch((error: unknown) => this.#log.debug({ reason: String(error) }, "the status was not published"));
  }

  #encode(state: DeviceStatus["state"], conn: number, cause: string): string {
    const ts = Math.round(this.#clock.nowUs() / 1000);
    const until =
      state === "online" && this.#measuringUntil !== undefined ? { measuringUntil: this.#measuringUntil } : {};
    return encodeMessage("status", { v: 1, state, boot: this.#boot, conn, ts, cause, ...until });
  }
}
