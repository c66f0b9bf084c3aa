import { formatTopic, type Ack, type Stream } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection } from "@edgewatt/runtime";
import { batchKey, type BatchName, type Spool, type SpooledBatch } from "../spool/spool.ts";
import { TokenBucket } from "./token-bucket.ts";
import { Unacknowledged } from "./unacknowledged.ts";

/** Publishes that the broker has not answered: at most 16, of which a backlog never takes the last four. */
const LIVE_WINDOW = 16;
const BACKLOG_WINDOW = 12;
/** New batches that find no place are left to the backlog. */
const LIVE_QUEUE = 16;
/**
 * Batches of the backlog that ingest has not acknowledged. This makes all devices slow down when ingest or its database is slow,
 * and leaves the way free for what is new.
 */
const BACKLOG_UNACKNOWLEDGED = 32;
/** A device at rest closes three batches a second, so that this empties a backlog forty times as fast as it grew. */
const BACKLOG_PER_S = 128;
const BACKLOG_BURST = 16;
const PACE_MS = 25;
const DRAIN_POLL_MS = 50;

export interface SenderOptions {
  readonly device: string;
  readonly spool: Spool;
  readonly mqtt: Pick<MqttConnection, "connected" | "publish">;
  readonly clock: Clock;
  readonly log: Logger;
  /** Whether some ingest says that it takes batches. */
  readonly ingestOnline: () => boolean;
}

/** Since the start of the agent. */
export interface SenderCounts {
  /** Batches that the broker has taken, those that were sent again among them. */
  readonly sent: number;
  readonly resent: number;
  /** Batches that ingest acknowledged. */
  readonly acknowledged: number;
}

/**
 * Publishes what the spool holds. A new batch goes at once. What was left behind, by a lost connection or an earlier process,
 * follows with the newest first while an ingest is online: in a window and at a rate of its own, so that it never holds up what is new.
 * A PUBACK only frees a place: a batch stays in the spool until ingest acknowledges it, and is sent again 30 s later.
 */
export class Sender {
  readonly #options: SenderOptions;
  readonly #bucket: TokenBucket;
  readonly #unacknowledged: Unacknowledged;
  readonly #inFlight = new Set<string>();
  /** Of those in flight, the ones that an ingest may have missed, and those that have arrived since. */
  readonly #mayBeMissed = new Set<string>();
  #again: BatchName[] = [];
  #live: SpooledBatch[] = [];
  /** The walk over what was left behind; `undefined` when it came to its end. */
  #backlog: Iterator<BatchName> | undefined;
  /** Something was left behind since that walk began. */
  #isBehind = false;
  #backlogInFlight = 0;
  #isReading = false;
  #paused = false;
  #pacing: Disposable | undefined;
  #counts = { sent: 0, resent: 0, acknowledged: 0 };

  constructor(options: SenderOptions) {
    const { spool, clock } = options;
    this.#options = options;
    this.#bucket = new TokenBucket(BACKLOG_PER_S, BACKLOG_BURST, () => clock.monotonicUs());
    this.#unacknowledged = new Unacknowledged(clock);
    this.#isBehind = spool.batches > 0;
  }

  get counts(): SenderCounts {
    return this.#counts;
  }

  /** While paused nothing is published; batches gather in the spool. */
  pause(paused: boolean): void {
    this.#paused = paused;
    this.kick();
  }

  /** A batch is new in the spool. */
  offer(batch: SpooledBatch): void {
    if (this.#paused || !this.#options.mqtt.connected || this.#live.length >= LIVE_QUEUE) this.#isBehind = true;
    else this.#live.push(batch);
    this.kick();
  }

  /** There may be something to send. */
  kick(): void {
    if (this.#paused || !this.#options.mqtt.connected) {
      this.#isBehind ||= this.#live.length > 0;
      this.#live = [];
      return;
    }
    while (this.#inFlight.size < LIVE_WINDOW) {
      const batch = this.#live.shift();
      if (batch === undefined) break;
      void this.#publish(batch, batch.payload, "live");
    }
    void this.#sendBacklog();
  }

  /** Acknowledgements may have been missed, or an ingest came that saw nothing yet: all is due again. */
  resend(): void {
    this.#unacknowledged.clear();
    this.#backlog = this.#options.spool.newestFirst();
    this.#isBehind = false;
    // What is on its way may have missed the one that came.
    for (const key of this.#inFlight) this.#mayBeMissed.add(key);
    this.kick();
  }

  acknowledge(stream: Stream, ack: Ack): void {
    for (const batch of this.#options.spool.acknowledge(stream, ack)) {
      this.#counts.acknowledged += 1;
      this.#unacknowledged.delete(batchKey(batch));
    }
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
    this.#stopPacing();
    return spool.batches === 0;
  }

  /** One batch after the other is read, and there is one reader. */
  async #sendBacklog(): Promise<void> {
    if (this.#isReading) return;
    this.#isReading = true;
    try {
      for (let batch = this.#nextOfBacklog(); batch !== undefined; batch = this.#nextOfBacklog()) {
        const payload = await this.#options.spool.read(batch);
        if (this.#paused) this.#isBehind = true;
        else if (payload !== undefined) void this.#publish(batch, payload, "backlog");
      }
    } finally {
      this.#isReading = false;
    }
  }

  /** What may be sent now; `undefined` when nothing is due, or not yet. */
  #nextOfBacklog(): BatchName | undefined {
    const { mqtt, ingestOnline, spool } = this.#options;
    if (this.#paused || !mqtt.connected || !ingestOnline()) return this.#rest();
    if (this.#backlogInFlight >= BACKLOG_WINDOW || this.#inFlight.size >= LIVE_WINDOW) return undefined;
    const overdue = this.#unacknowledged.overdue() ?? this.#again[0];
    if (overdue === undefined) {
      if (this.#backlog === undefined && !this.#isBehind) return this.#rest();
      if (this.#unacknowledged.backlog >= BACKLOG_UNACKNOWLEDGED) return undefined;
    }
    this.#pace();
    if (!this.#bucket.take()) return undefined;
    if (overdue !== undefined) {
      if (overdue === this.#again[0]) this.#again.shift();
      this.#unacknowledged.delete(batchKey(overdue));
      this.#counts.resent += 1;
      return overdue;
    }
    if (this.#backlog === undefined) {
      this.#backlog = spool.newestFirst();
      this.#isBehind = false;
    }
    return this.#step(this.#backlog);
  }

  /** The next of the walk that is not on its way. */
  #step(walk: Iterator<BatchName>): BatchName | undefined {
    for (let next = walk.next(); next.done !== true; next = walk.next()) {
      const key = batchKey(next.value);
      const isNew = this.#live.some((batch) => batchKey(batch) === key);
      if (!isNew && !this.#inFlight.has(key) && !this.#unacknowledged.has(key)) return next.value;
    }
    this.#backlog = undefined;
    return this.#isBehind ? undefined : this.#rest();
  }

  async #publish(batch: BatchName, payload: string, lane: "live" | "backlog"): Promise<void> {
    const { device, mqtt, log, ingestOnline } = this.#options;
    const key = batchKey(batch);
    this.#inFlight.add(key);
    this.#mayBeMissed.delete(key);
    if (lane === "backlog") this.#backlogInFlight += 1;
    // Without an ingest nobody acknowledges; when one comes, all is due.
    if (ingestOnline()) this.#unacknowledged.add(batch, lane);
    try {
      await mqtt.publish(formatTopic({ kind: "telemetry", device, stream: batch.stream }), payload, { qos: 1 });
      this.#counts.sent += 1;
      if (this.#mayBeMissed.delete(key)) this.#again.push(batch);
    } catch (error) {
      // Not tried again here: a connection that is closing refuses at once, for as long as it takes to close.
      this.#unacknowledged.delete(key);
      this.#mayBeMissed.delete(key);
      this.#isBehind = true;
      log.debug({ batch: key, reason: String(error) }, "a batch could not be published; it stays in the spool");
      return;
    } finally {
      this.#inFlight.delete(key);
      if (lane === "backlog") this.#backlogInFlight -= 1;
    }
    this.kick();
  }

  /** While there is a backlog, the bucket fills without anybody calling. */
  #pace(): void {
    this.#pacing ??= this.#options.clock.setInterval(() => this.kick(), PACE_MS);
  }

  #rest(): undefined {
    this.#stopPacing();
    return undefined;
  }

  #stopPacing(): void {
    this.#pacing?.[Symbol.dispose]();
    this.#pacing = undefined;
  }
}
