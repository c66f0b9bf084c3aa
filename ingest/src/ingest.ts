import { setMaxListeners } from "node:events";
import pRetry from "p-retry";
import { DecodeError, decodeMessage, MEASUREMENTS, parseTopic, topicFilter } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import { toAcks, type BatchId } from "./ack.ts";
import { Complaints } from "./complaints.ts";
import type { DeadLetters } from "./dead-letters.ts";
import { toOwnPoint, toPoints } from "./points.ts";
import type { Sink } from "./sinks/sink.ts";
import type { IngestStatus } from "./status.ts";
import { WriteQueue, type Write } from "./write-queue.ts";

const MAX_LINES = 5000;
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
  readonly log: Logger;
  readonly clock: Clock;
  /** Size of the lines in memory beyond which batches are left to their agents, which send them again. */
  readonly maxQueueSize: number;
}

/** Telemetry from MQTT into a sink. It acknowledges a batch only when that is durable, and keeps no state per device. */
export class Ingest {
  #parts: IngestParts;
  #queue: WriteQueue;
  #complaints: Complaints;
  #stopping = new AbortController();
  #timers: Disposable[] = [];
  #counts = { points: 0, acks: 0, batches: 0, deadLetters: 0 };

  private constructor(parts: IngestParts) {
    this.#parts = parts;
    this.#complaints = new Complaints(parts.log);
    this.#queue = new WriteQueue({
      maxLines: MAX_LINES,
      maxInFlight: MAX_IN_FLIGHT,
      maxSize: parts.maxQueueSize,
      store: (write) => this.#store(write),
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
    try {
      const batch = decodeMessage("telemetry", payload);
      const { lines, omissions } = toPoints(device, stream, batch);
      for (const omission of omissions) {
        this.#complaints.report(`${device} ${omission}`, `part of a batch is not stored: ${omission}`, { device });
      }
      if (!this.#queue.add(lines, { device, stream, boot: batch.boot, seq: batch.seq })) {
        this.#complaints.report(
          "memory",
          "memory is full of batches that are not stored yet; the agents will send again",
          { device },
        );
      }
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#complaints.report(`${device} ${error.code}`, `a batch is ignored: ${error.message}`, {
        device,
        stream,
        code: error.code,
      });
    }
  }

  async #store(write: Write): Promise<void> {
    const { sink, deadLetters, status, log } = this.#parts;
    const { signal } = this.#stopping;
    if (write.lines.length === 0) {
      this.#acknowledge(write.batches);
      return;
    }
    try {
      // A retry that begins after the signal does not heed it.
      signal.throwIfAborted();
      await pRetry(
        async () => {
          const refusals = await sink.write(write.lines);
          await deadLetters.append(refusals);
          for (const { reason, lines } of refusals) {
            this.#counts.deadLetters += lines.length;
            this.#complaints.report(`refused ${reason.slice(0, 60)}`, `the database refuses points: ${reason}`, {
              points: lines.length,
            });
          }
          this.#counts.points += write.lines.length - refusals.reduce((sum, { lines }) => sum + lines.length, 0);
        },
        {
          forever: true,
          minTimeout: RETRY_MIN_MS,
          maxTimeout: RETRY_MAX_MS,
          randomize: true,
          signal,
          onFailedAttempt: (error) => {
            status.holding(error.message);
            this.#complaints.report(`hold ${error.message}`, `holding: ${error.message}`, {}, "error");
          },
        },
      );
    } catch (error) {
      // Given up at the end of the service: what is not acknowledged is sent again.
      if (!signal.aborted) log.error({ err: error }, "a write was given up");
      return;
    }
    status.online();
    this.#acknowledge(write.batches);
  }

  #acknowledge(batches: readonly BatchId[]): void {
    this.#counts.batches += batches.length;
    for (const { topic, payload } of toAcks(batches)) {
      this.#counts.acks += 1;
      this.#parts.connection.publish(topic, payload, { qos: 1 }).catch((error: unknown) => {
        this.#parts.log.debug({ topic, err: error }, "an acknowledgement was lost; the agent will send again");
      });
    }
  }

  #reportOnItself(): void {
    const { id, clock } = this.#parts;
    const columns = { service: "ingest", id, ...this.#counts, queue: this.#queue.batches };
    // Counts that find no room in memory go with the next report.
    if (!this.#queue.add(toOwnPoint(MEASUREMENTS.pipeline, columns, clock.nowUs()))) return;
    this.#counts = { points: 0, acks: 0, batches: 0, deadLetters: 0 };
  }
}
