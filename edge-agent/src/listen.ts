import { decodeMessage, parseTopic, topicFilter } from "@edgewatt/protocol";
import type { Logger, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import type { Presence } from "./device/presence.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { IngestWatch } from "./telemetry/sending/ingest-watch.ts";
import type { Sender } from "./telemetry/sending/sender.ts";

export interface Listeners {
  readonly presence: Pick<Presence, "topic" | "receive">;
  readonly ingest: Pick<IngestWatch, "receive">;
  readonly sender: Pick<Sender, "acknowledge">;
  readonly jobs: Pick<Jobs, "start" | "receive">;
  readonly log: Logger;
}

/** Subscribes to what concerns the device, and starts its jobs before commands come. A message that cannot be read is logged, no more. */
export async function listenTo(
  mqtt: MqttConnection,
  device: string,
  { presence, ingest, sender, jobs, log }: Listeners,
): Promise<void> {
  const receive = (handle: (message: MqttMessage) => void) => (message: MqttMessage) => {
    try {
      handle(message);
    } catch (error) {
      log.warn({ topic: message.topic, reason: error instanceof Error ? error.message : String(error) }, "ignored");
    }
  };
  await mqtt.subscribe(
    presence.topic,
    receive((message) => presence.receive(message)),
  );
  await mqtt.subscribe(
    topicFilter("service", { name: "ingest" }),
    receive((message) => ingest.receive(message)),
  );
  await mqtt.subscribe(
    topicFilter("ack", { device }),
    receive(({ topic, payload }) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind === "ack") sender.acknowledge(parsed.stream, decodeMessage("ack", payload));
    }),
  );
  jobs.start();
  await mqtt.subscribe(
    topicFilter("command", { device }),
    receive(({ topic, payload }) => {
      const parsed = parseTopic(topic);
      if (parsed?.kind === "command") jobs.receive(parsed, payload);
    }),
  );
}
