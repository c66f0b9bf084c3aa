import { DecodeError, decodeMessage, parseTopic, topicFilter, type ServiceStatus } from "@edgewatt/protocol";
import type { Clock, Logger, MqttConnection, MqttMessage } from "@edgewatt/runtime";
import type { IngestStatus } from "../status.ts";
import { Claim } from "./claim.ts";
import { Instances } from "./instances.ts";
import { Share } from "./share.ts";

const REFRESH_MS = 1_000;

export interface PeersParts {
  readonly id: string;
  readonly connection: MqttConnection;
  readonly status: IngestStatus;
  readonly log: Logger;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/** The ingest instances on a broker as this one sees them, and its share of the fleet. */
export class Peers implements Disposable {
  #id: string;
  #log: Logger;
  #claim: Claim;
  #instances: Instances;
  #share: Share;
  #timer: Disposable | undefined;

  private constructor({ id, status, log, clock }: PeersParts) {
    this.#id = id;
    this.#log = log;
    this.#claim = new Claim(id, status, clock);
    this.#instances = new Instances(clock);
    this.#share = new Share(id, log);
  }

  /** Resolves when the name is ours to use. @throws {ConfigError} when another live instance has it */
  static async join(parts: PeersParts): Promise<Peers> {
    const peers = new Peers(parts);
    await parts.connection.subscribe(topicFilter("service", { name: "ingest" }), (message) => peers.#receive(message), {
      qos: 1,
    });
    await peers.#claim.win(parts.signal);
    peers.#timer = parts.clock.setInterval(() => peers.#refresh(), REFRESH_MS);
    peers.#refresh();
    return peers;
  }

  /** Rejects with ConfigError when it turns out that an instance that was here before us has our name. */
  get lost(): Promise<never> {
    return this.#claim.lost;
  }

  /** Whether batches of the device are for this instance to store. */
  owns(device: string): boolean {
    return this.#share.owns(device);
  }

  [Symbol.dispose](): void {
    this.#timer?.[Symbol.dispose]();
  }

  #receive({ topic, payload, retain }: MqttMessage): void {
    const parsed = parseTopic(topic);
    if (parsed?.kind !== "service") return;
    const said = this.#decode(topic, payload);
    if (parsed.id === this.#id) {
      if (said) this.#claim.observe(said, retain);
      return;
    }
    this.#instances.observe(parsed.id, said, retain);
    this.#refresh();
  }

  /** `undefined` for a cleared topic, and for what we cannot read: then its sender does not count, and we do its work too. */
  #decode(topic: string, payload: Uint8Array): ServiceStatus | undefined {
    if (payload.byteLength === 0) return undefined;
    try {
      return decodeMessage("service", payload);
    } catch (error) {
      if (!(error instanceof DecodeError)) throw error;
      this.#log.warn({ topic, reason: error.message }, "the status of another ingest cannot be read");
      return undefined;
    }
  }

  #refresh(): void {
    this.#share.setOthers(this.#instances.live());
  }
}
