import { setMaxListeners } from "node:events";
import pRetry from "p-retry";
import { MEASUREMENTS, parseTopic, topicFilter } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import { toAcks, type BatchId } from "./ack.ts";
import { Complaints } from "./complaints.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { toOwnPoint } from "./points.ts";
import { readBatch } from "./reader.ts";
import type { Sink } from "./sinks/sink.ts";
import type { IngestCounts, IngestStats, WriteTimes } from "./stats.ts";
import type { IngestStatus } from "./status.ts";
import { WriteQueue, type Write } from "./write-queue.ts";

const MAX_LINES = 5000;
/** Far below the 25 MB that InfluxDB 1.x takes in one body. */
const MAX_WRITE_SIZE = 4 * 1024 * 1024;
const FLUSH_INTERVAL_MS = 100;
const MAX_IN_FLIGHT = 4;
const REPORT_INTERVAL_MS = 10_000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;
const STOP_GRACE_MS = 5_000;

export interface IngestParts {
  readonly id: string;
  readonly connection: MqttConnection;
  readonly sink: Sink;
  readonly deadLetters: DeadLetters;
  readonly status: IngestStatus;
  readonly stats: IngestStats;
  /** Whether a device is ours, where several instances share the fleet. */
  readonly owns: (device: string) => boolean;
  readonly log: Logger;
  readonly clock: Clock;
  /** Bytes in memory beyond which batches are left to their agents, which send them again. */
  readonly maxQueueSize: number;
}

/** What an ingest counts, and how it stands now. */
export interface IngestFigures extends IngestCounts {
  readonly queueBatches: number;
  /** What waits in memory. */
  readonly queueBytes: number;
  /** Writes under way. */
  readonly inFlight: number;
  readonly holding: boolean;
  /** Devices that this instance served in the last whole ten seconds. */
  readonly ownedDevices: number;
  readonly writeTimes: WriteTimes;
}

/** Telemetry from MQTT into a sink. It acknowledges a batch only when that is durable, and keeps no state per device. */
export class Ingest {
  #parts: IngestParts;
  #queue: WriteQueue;
  #complaints: Complaints;
  #stopping = new AbortController();
  #timers: Disposable[] = [];
  #failing = new Set<Write>();

  private constructor(parts: IngestParts) {
    this.#parts = parts;
    this.#complaints = new Complaints(parts.log);
    this.#queue = new WriteQueue({
      maxLines: MAX_LINES,
      maxWriteSize: MAX_WRITE_SIZE,
      maxInFlight: MAX_IN_FLIGHT,
      maxSize: parts.maxQueueSize,
      store: (write) => this.#store(write),
      onFull: (full) => this.#onFull(full),
    });
    setMaxListeners(0, this.#stopping.signal);
  }

  /** Resolves when it is subscribed. */
  static async start(parts: IngestParts): Promise<Ingest> {
    const ingest = new Ingest(parts);
    // The first point of its own proves that the store works, before any agent relies on it.
    ingest.#reportOnItself();
    await parts.connection.subscribe(topicFilter("telemetry"), (message) => ingest.#receive(message), { qos: 1 });
    ingest.#timers.push(
      parts.clock.setInterval(() => ingest.#queue.flush(), FLUSH_INTERVAL_MS),
      parts.clock.setInterval(() => ingest.#reportOnItself(), REPORT_INTERVAL_MS),
    );
    parts.status.announceOn(parts.connection);
    return ingest;
  }

  get figures(): IngestFigures {
    const { stats, status } = this.#parts;
    return {
      ...stats.counts,
      queueBatches: this.#queue.batches,
      queueBytes: this.#queue.size,
      inFlight: this.#queue.inFlight,
      holding: status.isHolding,
      ownedDevices: stats.ownedDevices,
      writeTimes: stats.writeTimes,
    };
  }

  /** Stores what it has taken, as far as the store answers within a few seconds, and says `offline`. */
  async stop(): Promise<void> {
    for (const timer of this.#timers) timer[Symbol.dispose]();
    const drained = this.#queue.drain();
    if (!this.#parts.status.isHolding) await this.#waitAtMost(STOP_GRACE_MS, drained);
    this.#stopping.abort();
    await drained;
    await this.#parts.status.offline();
  }

  async #waitAtMost(ms: number, done: Promise<void>): Promise<void> {
    const timer = new AbortController();
    await Promise.race([done, this.#parts.clock.sleep(ms, timer.signal).catch(() => {})]);
    timer.abort();
  }

  #receive({ topic: name, payload }: MqttMessage): void {
    const topic = parseTopic(name);
    if (topic?.kind !== "telemetry") {
      this.#complaints.report("topic", "a message on a topic that carries no telemetry is ignored", { topic: name });
      return;
    }
    const { device, stream } = topic;
    if (!this.#parts.owns(device)) return;
    const reading = readBatch(device, stream, payload);
    if (reading.kind === "undecodable") {
      this.#parts.stats.counts.undecodable += 1;
      const { code, message } = reading.error;
      const why = "a message without readable boot and seq is ignored, and its agent will send it again";
      this.#complaints.report(`${device} ${code}`, `${why}: ${message}`, { device, stream, code });
      return;
    }
    if (reading.kind === "letter") {
      const { code, message } = reading.error;
      const why = "a batch that cannot be read goes to the dead letters";
      this.#complaints.report(`${device} ${code}`, `${why}: ${message}`, { device, stream, code });
    } else {
      for (const omission of reading.omissions) {
        this.#complaints.report(`${device} ${omission}`, `part of a batch is not stored: ${omission}`, { device });
      }
    }
    if (!this.#queue.add(reading.entry)) this.#parts.stats.counts.turnedAway += 1;
  }

  #onFull(full: boolean): void {
    const { status } = this.#parts;
    if (!full) {
      status.clear("memory");
      return;
    }
    const reason = "memory is full of batches that are not stored yet; the agents will send again";
    status.hold("memory", reason);
    this.#complaints.report("memory", reason, {});
  }

  /** Resolves with whether the write is durable; it is given up only at the end of the service: what is not acknowledged is sent again. */
  async #store(write: Write): Promise<boolean> {
    const { status, stats, log, clock } = this.#parts;
    const { signal } = this.#stopping;
    const startedUs = clock.monotonicUs();
    try {
      // A retry that begins after the signal does not heed it.
      signal.throwIfAborted();
      await pRetry(() => this.#attempt(write), {
        forever: true,
        minTimeout: RETRY_MIN_MS,
        maxTimeout: RETRY_MAX_MS,
        randomize: true,
        signal,
        onFailedAttempt: (error) => {
          stats.counts.failedWrites += 1;
          this.#failing.add(write);
          status.hold("store", error.message);
          this.#complaints.report(`hold ${error.message}`, `holding: ${error.message}`, {}, "error");
        },
      });
    } catch (error) {
      if (!signal.aborted) log.error({ err: error }, "a write was given up");
      return false;
    } finally {
      this.#failing.delete(write);
    }
    if (write.lines.count > 0) {
      stats.wrote((clock.monotonicUs() - startedUs) / 1e6);
      status.clear("start");
    }
    // Others may still fail where a small write went through.
    if (this.#failing.size === 0) status.clear("store");
    this.#acknowledge(write.batches);
    return true;
  }

  async #attempt(write: Write): Promise<void> {
    const { sink, deadLetters, stats } = this.#parts;
    const refusals = write.lines.count > 0 ? await sink.write(write.lines) : [];
    await deadLetters.append(refusals, write.letters);
    let refused = 0;
    for (const { reason, lines } of refusals) {
      refused += lines.length;
      this.#complaints.report(`refused ${reason.slice(0, 60)}`, `the database refuses points: ${reason}`, {
        points: lines.length,
      });
    }
    stats.counts.points += write.lines.count - refused;
    stats.counts.deadLetters += refused + write.letters.length;
  }

  #acknowledge(batches: readonly BatchId[]): void {
    const { stats, connection, log } = this.#parts;
    stats.counts.batches += batches.length;
    for (const { device } of batches) stats.served(device);
    for (const { topic, payload } of toAcks(batches)) {
      stats.counts.acks += 1;
      connection.publish(topic, payload, { qos: 1 }).catch((error: unknown) => {
        log.debug({ topic, err: error }, "an acknowledgement was lost; the agent will send again");
      });
    }
  }

  #reportOnItself(): void {
    const { id, clock, stats } = this.#parts;
    const columns = { service: "ingest", id, ...stats.sinceReport(), queue: this.#queue.batches };
    // Counts that find no room in memory go with the next report.
    if (this.#queue.add({ block: toOwnPoint(MEASUREMENTS.pipeline, columns, clock.nowUs()) })) stats.reported();
  }
}
