import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Aedes, Client } from "aedes";
import { BrokerError } from "./errors.ts";

/** What a TCP socket knows of its traffic; a stream without one (in memory) has none. */
interface Counted {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** Aedes and MQTT's parser say why a connection failed in words only. */
const REASONS: readonly (readonly [RegExp, string])[] = [
  [/^connect did not arrive in time$/, "connect-timeout"],
  [/^keep alive timeout$/, "keepalive-timeout"],
  [/^drain timeout$/, "drain-timeout"],
  [/^unacceptable protocol version$/, "protocol-version"],
  [/^Client queue limit reached$/, "queue-limit"],
  [/^(Invalid|Cannot parse|Not supported|Wrong|Packet must)/, "malformed"],
];

/** One of few words, as it becomes a label. */
function reasonOf(error: Error): string {
  if (error instanceof BrokerError) return error.code;
  if ("syscall" in error) return "connection-lost";
  return REASONS.find(([pattern]) => pattern.test(error.message))?.[1] ?? "other";
}

/** What goes through a broker, counted since it started. */
export class Traffic {
  messagesReceived = 0;
  messagesSent = 0;
  connections = 0;
  /** Connections that were refused or ended by a fault, by reason. */
  readonly failed = new Map<string, number>();
  /** Subscriptions that were refused, by reason. */
  readonly refused = new Map<string, number>();
  /** Size of each retained message by topic. */
  readonly #retained = new Map<string, number>();
  readonly #open = new Map<Duplex, Counted>();
  #closedReceived = 0;
  #closedSent = 0;

  /** Follows the messages of a broker. */
  watch(aedes: Aedes): void {
    aedes.on("publish", ({ topic, retain, payload }, client) => {
      if (retain) this.#retain(topic, Buffer.byteLength(payload));
      if (client !== null) this.messagesReceived += 1;
    });
  }

  /** Follows the bytes of a connection; over WebSocket they are those of the HTTP request's socket. */
  opened(stream: Duplex, request: IncomingMessage | undefined): void {
    const socket = (request?.socket ?? stream) as Counted;
    this.connections += 1;
    this.#open.set(stream, socket);
    stream.once("close", () => {
      this.#open.delete(stream);
      this.#closedReceived += socket.bytesRead ?? 0;
      this.#closedSent += socket.bytesWritten ?? 0;
    });
  }

  connectionFailed(error: Error): void {
    count(this.failed, reasonOf(error));
  }

  subscriptionRefused(reason: string): void {
    count(this.refused, reason);
  }

  get bytesReceived(): number {
    return [...this.#open.values()].reduce((sum, { bytesRead = 0 }) => sum + bytesRead, this.#closedReceived);
  }

  get bytesSent(): number {
    return [...this.#open.values()].reduce((sum, { bytesWritten = 0 }) => sum + bytesWritten, this.#closedSent);
  }

  get retainedMessages(): number {
    return this.#retained.size;
  }

  get retainedBytes(): number {
    return [...this.#retained.values()].reduce((sum, bytes) => sum + bytes, 0);
  }

  /** An empty message takes the retained one back [MQTT-3.3.1-10]. */
  #retain(topic: string, bytes: number): void {
    if (bytes === 0) this.#retained.delete(topic);
    else this.#retained.set(topic, bytes);
  }
}

function count(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** Filters that a client is subscribed to now; Aedes does not declare the property. */
export function subscriptionsOf(client: Client): number {
  return Object.keys((client as Client & { readonly subscriptions: object }).subscriptions).length;
}
