import { formatTopic, type Ack, type Stream } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection } from "@edgewatt/runtime";
import { batchKey, type Spool, type SpooledBatch } from "./spool.ts";

const WINDOW = 16;
const RESEND_US = 30_000_000;
const DRAIN_POLL_MS = 50;

export interface SenderOptions {
  readonly device: string;
  readonly spool: Spool;
  readonly mqtt: MqttConnection;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether some ingest says that it takes batches. */
  readonly ingestOnline: () => boolean;
}

/**
 * Publishes what the spool holds, the newest first and at most 16 at a time. A PUBACK only frees a place: a batch stays in
 * the spool until ingest acknowledges it, and is sent again 30 s later while an ingest is online.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #inFlight = new Set<string>();
  readonly #sentUs = new Map<string, number>();
  #paused = false;

  constructor(options: SenderOptions) {
    this.#options = options;
  }

  /** While paused nothing is published; batches gather in the spool. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.kick();
  }

  /** There may be something to send. */
  kick(): void {
    const { spool, mqtt } = this.#options;
    if (this.#paused || !mqtt.connected || this.#inFlight.size >= WINDOW) return;
    for (const batch of spool.newestFirst()) {
      if (this.#inFlight.size >= WINDOW) return;
      if (this.#isDue(batch)) void this.#send(batch);
    }
  }

  /** Acknowledgements may have been missed, or an ingest came that saw nothing yet: all is due again. */
  resend(): void {
    this.#sentUs.clear();
    this.kick();
  }

  async acknowledge(stream: Stream, ack: Ack): Promise<void> {
    await this.#options.spool.acknowledge(stream, ack);
    if (this.#options.spool.batches === 0) this.#sentUs.clear();
    this.kick();
  }

  /** Waits until all is acknowledged, as long as that can happen, at most `timeoutMs`. Returns whether it was. */
  async drain(timeoutMs: number): Promise<boolean> {
    const { spool, mqtt, clock, ingestOnline } = this.#options;
    const deadlineUs = clock.monotonicUs() + timeoutMs * 1000;
    this.pause(false);
    while (spool.batches > 0 && mqtt.connected && ingestOnline() && clock.monotonicUs() < deadlineUs) {
      await clock.sleep(DRAIN_POLL_MS);
      this.kick();
    }
    return spool.batches === 0;
  }

  #isDue(batch: SpooledBatch): boolean {
    const key = batchKey(batch);
    if (this.#inFlight.has(key)) return false;
    const sentUs = this.#sentUs.get(key);
    if (sentUs === undefined) return true;
    return this.#options.ingestOnline() && this.#options.clock.monotonicUs() - sentUs >= RESEND_US;
  }

  async #send(batch: SpooledBatch): Promise<void> {
    const { device, mqtt, clock, log } = this.#options;
    const key = batchKey(batch);
    this.#inFlight.add(key);
    this.#sentUs.set(key, clock.monotonicUs());
    try {
      await mqtt.publish(formatTopic({ kind: "telemetry", device, stream: batch.stream }), batch.payload, { qos: 1 });
    } catch (error) {
      // Not tried again here: a connection that is closing refuses at once, for as long as it takes to close.
      this.#sentUs.delete(key);
      this.#inFlight.delete(key);
      log.debug({ batch: key, reason: String(error) }, "a batch could not be published; it stays in the spool");
      return;
    }
    this.#inFlight.delete(key);
    this.kick();
  }
}
