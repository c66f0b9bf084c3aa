import { encodeMessage, formatTopic, MESSAGE_VERSION, type ServiceStatus } from "@edgewatt/protocol";
import type { Clock, MqttConnection, MqttWill } from "@edgewatt/runtime";

const MAX_REASON = 500;

/** Said again so often that others can tell a silent instance from a quiet one: see `STALE_MS`. */
export const HEARTBEAT_MS = 5_000;

/** Why an ingest holds, the worst first. */
const FAULTS = ["store", "memory", "start"] as const;
type Fault = (typeof FAULTS)[number];

/**
 * What this ingest says of itself, retained: `online` while what it takes becomes durable, `holding` while some fault stands,
 * `offline` after an end, which the broker says in its place when it vanishes.
 */
export class IngestStatus {
  readonly topic: string;
  #clock: Clock;
  #epoch: number;
  /** All epochs that this run has had. */
  #epochs = new Set<number>();
  #faults = new Map<Fault, string>([["start", "starting: nothing has been stored yet"]]);
  #ended = false;
  #connection: MqttConnection | undefined;
  #heartbeat: Disposable | undefined;

  constructor(id: string, clock: Clock) {
    this.topic = formatTopic({ kind: "service", name: "ingest", id });
    this.#clock = clock;
    this.#epoch = this.#nowMs();
    this.#epochs.add(this.#epoch);
  }

  /** Names this run of the instance; later runs have higher ones. */
  get epoch(): number {
    return this.#epoch;
  }

  /** Whether a word with this epoch is ours, an old one on its way perhaps. */
  isOwn(epoch: number): boolean {
    return this.#epochs.has(epoch);
  }

  get isHolding(): boolean {
    return this.#state() === "holding";
  }

  will(): MqttWill {
    return { topic: this.topic, payload: this.#encode("offline", "connection lost"), retain: true, qos: 1 };
  }

  /** Says the state now, at every change, after every reconnect, and every few seconds. */
  announceOn(connection: MqttConnection): void {
    this.#connection = connection;
    connection.onConnect(() => this.#announce());
    if (connection.connected) this.#announce();
    this.#heartbeat = this.#clock.setInterval(() => this.#announce(), HEARTBEAT_MS);
  }

  /** Holds because of this, until it is cleared. */
  hold(fault: Fault, reason: string): void {
    const before = this.#reason();
    this.#faults.set(fault, reason.slice(0, MAX_REASON));
    if (this.#reason() !== before) this.#announce();
  }

  clear(fault: Fault): void {
    if (this.#faults.delete(fault)) this.#announce();
  }

  /**
   * Says the state again because another has spoken in our name: a late will of an earlier run or of an old connection, or an
   * instance of the same name that has ended. From then on our epoch is above its.
   */
  contradict(said: ServiceStatus): void {
    if (this.isOwn(said.epoch) && said.state !== "offline") return;
    if (said.epoch > this.#epoch) this.#epochs.add((this.#epoch = said.epoch + 1));
    this.#announce();
  }

  /** Best effort: without a connection the will has said it. */
  async offline(): Promise<void> {
    this.#heartbeat?.[Symbol.dispose]();
    this.#ended = true;
    await this.#publish().catch(() => {});
  }

  #state(): ServiceStatus["state"] {
    if (this.#ended) return "offline";
    return this.#faults.size === 0 ? "online" : "holding";
  }

  #reason(): string | undefined {
    if (this.#ended) return "shutdown";
    const worst = FAULTS.find((fault) => this.#faults.has(fault));
    return worst && this.#faults.get(worst);
  }

  #announce(): void {
    // A write that was given up at the end may still report its fault.
    if (this.#ended) return;
    // Lost with the connection; the next connect announces again.
    this.#publish().catch(() => {});
  }

  async #publish(): Promise<void> {
    if (this.#connection?.connected !== true) return;
    await this.#connection.publish(this.topic, this.#encode(this.#state(), this.#reason()), { qos: 1, retain: true });
  }

  #encode(state: ServiceStatus["state"], reason: string | undefined): string {
    const status = { v: MESSAGE_VERSION as 1, state, ts: this.#nowMs(), epoch: this.#epoch };
    return encodeMessage("service", reason === undefined ? status : { ...status, reason });
  }

  #nowMs(): number {
    return Math.floor(this.#clock.nowUs() / 1000);
  }
}
