import { decodeMessage, parseTopic, type ServiceStatus } from "@edgewatt/protocol";
import type { MqttMessage } from "@edgewatt/runtime";

/** Follows which ingest services take batches now. */
export class IngestWatch {
  readonly #known = new Map<string, ServiceStatus>();
  readonly #onTaker: () => void;

  /**
   * @param onTaker somebody takes batches who may have seen none of those that were sent: an ingest came, or came back, or one
   *   has gone and the others share its devices
   */
  constructor(onTaker: () => void) {
    this.#onTaker = onTaker;
  }

  get online(): boolean {
    return [...this.#known.values()].some((status) => status.state === "online");
  }

  /** Handles a message of `_svc/ingest/+`; a will of an earlier run of the service is ignored. */
  receive({ topic, payload }: MqttMessage): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "service" || parsed.name !== "ingest") return;
    const before = this.#known.get(parsed.id);
    const wasThere = before !== undefined && before.state !== "offline";
    if (payload.byteLength === 0) {
      this.#known.delete(parsed.id);
      if (wasThere) this.#gone();
      return;
    }
    const status = decodeMessage("service", payload);
    if (before !== undefined && before.epoch > status.epoch) return;
    this.#known.set(parsed.id, status);
    const came = status.state === "online" && (before?.state !== "online" || before.epoch !== status.epoch);
    if (came) this.#onTaker();
    else if (wasThere && status.state === "offline") this.#gone();
  }

  #gone(): void {
    if (this.online) this.#onTaker();
  }
}
