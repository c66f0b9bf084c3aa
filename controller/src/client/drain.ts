import { DecodeError, decodeMessage, parseTopic, topicFilter } from "@edgewatt/protocol";
import { type MqttConnection, systemClock } from "@edgewatt/runtime";

/** Watches telemetry on its way: what devices sent, and what ingest has made durable. */
export interface DrainWatch {
  /** Waits until everything that was sent by now is durable. @returns how many batches are still not after `timeoutMs` */
  drained(timeoutMs: number, signal: AbortSignal): Promise<number>;
  stop(): Promise<void>;
}

const POLL_MS = 100;

export async function watchDrain(connection: MqttConnection, device: string): Promise<DrainWatch> {
  const waiting = new Set<string>();
  const read = (topicName: string, payload: Uint8Array): void => {
    const topic = parseTopic(topicName);
    try {
      if (topic?.kind === "telemetry") {
        const { boot, seq } = decodeMessage("telemetry", payload);
        waiting.add(`${topic.stream}/${boot}/${seq}`);
      } else if (topic?.kind === "ack") {
        const { boot, ranges } = decodeMessage("ack", payload);
        for (const [first, last] of ranges) {
          for (let seq = first; seq <= last; seq++) waiting.delete(`${topic.stream}/${boot}/${seq}`);
        }
      }
    } catch (error) {
      // Ingest judges such a batch; here it just does not count.
      if (!(error instanceof DecodeError)) throw error;
    }
  };
  const subscriptions = await Promise.all(
    (["telemetry", "ack"] as const).map((kind) =>
      connection.subscribe(topicFilter(kind, { device }), ({ topic, payload }) => read(topic, payload)),
    ),
  );
  return {
    async drained(timeoutMs, signal) {
      const batches = new Set(waiting);
      const deadlineMs = performance.now() + timeoutMs;
      const left = (): number => [...batches].filter((batch) => waiting.has(batch)).length;
      while (left() > 0 && performance.now() < deadlineMs) await systemClock.sleep(POLL_MS, signal);
      return left();
    },
    async stop() {
      await Promise.all(subscriptions.map((subscription) => subscription.unsubscribe()));
    },
  };
}
