import { encodeMessage, formatTopic, MESSAGE_VERSION, type ServiceStatus } from "@edgewatt/protocol";
import type { Clock, MqttConnection, MqttWill } from "@edgewatt/runtime";

const MAX_REASON = 500;

/**
 * What this ingest says of itself, retained: `online` when its last write became durable, `holding` while writes fail,
 * `offline` after an end, which the broker says in its place when it vanishes.
 */
export class IngestStatus {
  readonly topic: string;
  #clock: Clock;
  #epoch: number;
  #state: ServiceStatus["state"] = "holding";
  #reason: string | undefined = "starting: nothing has been stored yet";
  #connection: MqttConnection | undefined;

  constructor(id: string, clock: Clock) {
    this.topic = formatTopic({ kind: "service", name: "ingest", id });
    this.#clock = clock;
    this.#epoch = this.#nowMs();
  }

  get isHolding(): boolean {
    return this.#state === "holding";
  }

  will(): MqttWill {
    return { topic: this.topic, payload: this.#encode("offline", "connection lost"), retain: true, qos: 1 };
  }

  /** Says the state now, at every change and after every reconnect. */
  announceOn(connection: MqttConnection): void {
    this.#connection = connection;
    connection.onConnect(() => this.#announce());
    if (connection.connected) this.#announce();
  }

  online(): void {
    this.#change("online", undefined);
  }

  holding(reason: string): void {
    this.#change("holding", reason.slice(0, MAX_REASON));
  }

  /** Best effort: without a connection the will has said it. */
  async offline(): Promise<void> {
    this.#state = "offline";
    this.#reason = "shutdown";
    await this.#publish().catch(() => {});
  }

  #change(state: ServiceStatus["state"], reason: string | undefined): void {
    // A write that was given up at the end may still report its fault.
    if (this.#state === "offline" || (this.#state === state && this.#reason === reason)) return;
    this.#state = state;
    this.#reason = reason;
    this.#announce();
  }

  #announce(): void {
    // Lost with the connection; the next connect announces again.
    this.#publish().catch(() => {});
  }

  async #publish(): Promise<void> {
    if (this.#connection?.connected !== true) return;
    await this.#connection.publish(this.topic, this.#encode(this.#state, this.#reason), { qos: 1, retain: true });
  }

  #encode(state: ServiceStatus["state"], reason: string | undefined): string {
    const status = { v: MESSAGE_VERSION as 1, state, ts: this.#nowMs(), epoch: this.#epoch };
    return encodeMessage("service", reason === undefined ? status : { ...status, reason });
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowUs() / 1000);
  }
}
