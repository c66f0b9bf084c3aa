import { randomUUID } from "node:crypto";
import { decodeMessage, encodeMessage, formatTopic, type DeviceStatus } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage, MqttWill } from "@edgewatt/runtime";

export interface PresenceOptions {
  readonly device: string;
  readonly boot: number;
  readonly clock: Clock;
  readonly log: Logger;
  /** Resolves when no other agent is online under this device id; asked while this one is not connected. */
  readonly untilFree: (signal: AbortSignal) => Promise<void>;
  /** A boot number above all that were used. */
  readonly nextBoot: () => Promise<number>;
}

/**
 * What the broker remembers about this device, and its will. The device alone writes it; of two agents that use one device id the one that
 * started first stands aside, as they would else throw each other off the broker for ever.
 */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #topic: string;
  readonly #instance = randomUUID();
  #boot: number;
  #conn = 0;
  #mqtt: MqttConnection | undefined;
  #measuringUntil: number | undefined;
  #aside = false;
  #left = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    this.#boot = options.boot;
    this.#topic = formatTopic({ kind: "status", device: options.device });
  }

  get topic(): string {
    return this.#topic;
  }

  /** The will of the connection that is about to be made. */
  will(): MqttWill {
    const payload = this.#encode("offline", "connection lost", this.#conn + 1);
    return { topic: this.#topic, payload, qos: 1, retain: true };
  }

  /** Waits as long as another agent has this device id. */
  async beforeConnect(signal: AbortSignal): Promise<void> {
    if (!this.#aside) return;
    const { device, log, untilFree, nextBoot } = this.#options;
    await untilFree(signal);
    // Else everybody would take what this one says for older than what the other one said.
    this.#boot = await nextBoot();
    this.#aside = false;
    log.warn({ device }, "the other agent under this device id has gone; this one connects again");
  }

  /** A connection stands: counts it and says so. */
  connected(mqtt: MqttConnection): void {
    this.#mqtt = mqtt;
    this.#conn += 1;
    this.#announce();
  }

  /**
   * A status of this device from the broker. A will may come after our announcement and would stay: that of an earlier connection, or
   * of one that the broker had accepted and we knew nothing of. So say again that we are here.
   */
  receive({ payload }: MqttMessage): void {
    if (payload.byteLength === 0) return;
    const status = decodeMessage("status", payload);
    const isOther = status.instance !== this.#instance;
    // Its will counts as well: each throws the other off the broker, and then finds that.
    if (isOther && this.#startedBefore(status)) this.#standAside(status);
    else if ((isOther || status.state === "offline") && this.#mqtt?.connected === true && !this.#left) this.#announce();
  }

  /** Until then silence is a measured window and not a fault; `undefined` ends that. */
  setMeasuringUntil(epochMs: number | undefined): void {
    if (this.#measuringUntil === epochMs) return;
    this.#measuringUntil = epochMs;
    this.#announce();
  }

  /** Says goodbye; the will is then not published. */
  async leave(): Promise<void> {
    this.#left = true;
    if (this.#mqtt?.connected !== true) return;
    await this.#mqtt.publish(this.#topic, this.#encode("offline", "shutdown"), { qos: 1, retain: true });
  }

  /** At its start an agent takes a boot number above the one that the broker remembers. */
  #startedBefore({ boot, instance = "" }: DeviceStatus): boolean {
    return this.#boot < boot || (this.#boot === boot && this.#instance < instance);
  }

  #standAside({ boot }: DeviceStatus): void {
    if (this.#aside) return;
    this.#aside = true;
    const { device, log } = this.#options;
    log.error(
      { device, boot },
      `another agent has started under the device id ${device}: give each its own --device, or stop one; this one stands aside until the other has gone`,
    );
    void this.#mqtt?.drop();
  }

  #announce(): void {
    if (this.#aside) return;
    this.#mqtt
      ?.publish(this.#topic, this.#encode("online", "connected"), { qos: 1, retain: true })
      .catch((error: unknown) => this.#options.log.debug({ reason: String(error) }, "the status was not published"));
  }

  #encode(state: DeviceStatus["state"], cause: string, conn = this.#conn): string {
    const ts = Math.round(this.#options.clock.nowUs() / 1000);
    const until =
      state === "online" && this.#measuringUntil !== undefined ? { measuringUntil: this.#measuringUntil } : {};
    const identity = { boot: this.#boot, conn, instance: this.#instance };
    return encodeMessage("status", { v: 1, state, ...identity, ts, cause, ...until });
  }
}
