import { decodeMessage, encodeMessage, formatTopic, MESSAGE_VERSION } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttWill } from "@edgewatt/runtime";

const OFFLINE_WAIT_MS = 2_000;

/** What the hub says of itself, retained: `online` with its address, `offline` after an end, expected or not. */
export class HubStatus {
  readonly #topic: string;
  readonly #clock: Clock;
  readonly #log: Logger;
  readonly #epoch: number;
  readonly #url: string;
  #left = false;
  #remark: string | undefined;

  constructor(options: { id: string; url: string; clock: Clock; log: Logger }) {
    this.#topic = formatTopic({ kind: "service", name: "hub", id: options.id });
    this.#clock = options.clock;
    this.#log = options.log;
    this.#url = options.url;
    this.#epoch = this.#nowMs();
  }

  will(): MqttWill {
    return { topic: this.#topic, payload: this.#encode("offline", "connection lost"), retain: true, qos: 1 };
  }

  /** Says `online` now, after every reconnect, and when the will of an earlier connection comes late and would stay. */
  async announceOn(connection: MqttConnection): Promise<void> {
    connection.onConnect(() => this.#announce(connection));
    if (connection.connected) this.#announce(connection);
    await connection.subscribe(this.#topic, ({ payload }) => {
      if (payload.byteLength === 0 || this.#left || !connection.connected) return;
      if (decodeMessage("service", payload).state === "offline") this.#announce(connection);
    });
  }

  /** What else there is to know while it is online, for people; `undefined` for nothing. */
  remark(text: string | undefined, connection: MqttConnection): void {
    this.#remark = text;
    if (connection.connected) this.#announce(connection);
  }

  #announce(connection: MqttConnection): void {
    this.#publish(connection, this.#encode("online", this.#remark)).catch((error: unknown) => {
      this.#log.debug({ err: error }, "status not published; the next connect does it");
    });
  }

  /** Never rejects and never waits long: a broker that is away or stuck must not keep the hub from closing its files. */
  async offline(connection: MqttConnection): Promise<void> {
    this.#left = true;
    if (!connection.connected) return;
    try {
      await this.#publish(connection, this.#encode("offline", "shutdown"), AbortSignal.timeout(OFFLINE_WAIT_MS));
    } catch (error) {
      this.#log.warn({ err: error }, "the broker did not take the goodbye; it says offline by the will");
    }
  }

  async #publish(connection: MqttConnection, payload: string, signal?: AbortSignal): Promise<void> {
    await connection.publish(this.#topic, payload, {
      qos: 1,
      retain: true,
      ...(signal === undefined ? {} : { signal }),
    });
  }

  #encode(state: "online" | "offline", reason?: string): string {
    return encodeMessage("service", {
      v: MESSAGE_VERSION,
      state,
      ts: this.#nowMs(),
      epoch: this.#epoch,
      url: this.#url,
      ...(reason === undefined ? {} : { reason }),
    });
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowUs() / 1000);
  }
}
