import { decodeMessage, parseTopic, type ServiceStatus } from "@edgewatt/protocol";
import type { MqttMessage } from "@edgewatt/runtime";

/** Follows which ingest services take batches now. */
export class IngestWatch {
  readonly #known = new Map<string, ServiceStatus>();
  readonly #onOnline: () => void;

  /** @param onOnline an ingest came, or came back, that takes batches */
  constructor(onOnline: () => void) {
    this.#onOnline = onOnline;
  }

  get online(): boolean {
    return [...this.#known.values()].some((status) => status.state === "online");
  }

  /** Handles a message of `_svc/ingest/+`; a will of an earlier run of the service is ignored. */
  receive({ topic, payload }: MqttMessage): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "service" || parsed.name !== "ingest" || payload.byteLength === 0) return;
    const status = decodeMessage("service", payload);
    const before = this.#known.get(parsed.id);
    if (before !== undefined && before.epoch > status.epoch) return;
    this.#known.set(parsed.id, status);
    const came = status.state === "online" && (before?.state !== "online" || before.epoch !== status.epoch);
    if (came) this.#onOnline();
  }
}
