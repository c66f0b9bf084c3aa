import { setTimeout as sleep } from "node:timers/promises";
import mqtt from "mqtt";
import type { IClientOptions, MqttClient } from "mqtt";
import { TransportError } from "./errors.ts";
import { systemErrorCode } from "./system-error-code.ts";

/** A message that the broker publishes for a client that vanished without saying so. */
export interface MqttWill {
  readonly topic: string;
  readonly payload: string | Uint8Array;
  readonly qos: 0 | 1;
  readonly retain: boolean;
}

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  /** True for a stored message that the broker sends to a new subscription. */
  readonly retain: boolean;
}

export interface PublishOptions {
  readonly qos?: 0 | 1;
  readonly retain?: boolean;
  /** Stops waiting for the acknowledgement; the message may be delivered all the same. */
  readonly signal?: AbortSignal;
}

export interface SessionOptions {
  readonly url: string;
  readonly clientId: string;
  readonly will: MqttWill | undefined;
  readonly onMessage: (message: MqttMessage) => void;
  /** Gives up connecting; it does not end an open session. */
  readonly signal: AbortSignal;
}

const CONNECT_TIMEOUT_MS = 10_000;
const SUBSCRIBE_TIMEOUT_MS = 10_000;
const FLUSH_TIMEOUT_MS = 2_000;
const DISCONNECT_TIMEOUT_MS = 1_000;
const FLUSH_POLL_MS = 10;
const KEEPALIVE_S = 60;
const SUBACK_FAILURE = 128;

function bytes(payload: string | Uint8Array): string | Buffer {
  return typeof payload === "string" ? payload : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
}

function lost(what: string, reason: string, cause?: unknown): TransportError {
  return new TransportError(`${what}: ${reason}; try again when the broker is back`, {
    code: "connection-lost",
    retryable: true,
    context: { reason },
    cause,
  });
}

/** An address as it may be shown: without a password. */
export function displayUrl(url: string): string {
  const shown = new URL(url);
  shown.username = "";
  shown.password = "";
  return shown.href.replace(/\/$/, "");
}

/**
 * One network connection to a broker, from CONNECT to its end. A session is never reconnected: message ids, stores and
 * queues of MQTT.js end with it, so that nothing of an old connection can leak into a new one.
 */
export class MqttSession {
  #client: MqttClient;
  /** Publishes under way: how to fail each. MQTT.js leaves their callbacks uncalled when the connection is lost. */
  #pending = new Set<(error: TransportError) => void>();
  #closed: Promise<void>;
  #ended = false;
  #gathering = false;
  #lastError: Error | undefined;

  private constructor(options: SessionOptions) {
    const { url, clientId, will, onMessage } = options;
    const settings: IClientOptions = {
      clientId,
      clean: true,
      protocolVersion: 4,
      keepalive: KEEPALIVE_S,
      connectTimeout: CONNECT_TIMEOUT_MS,
      reconnectPeriod: 0,
      resubscribe: false,
      queueQoSZero: false,
      messageIdProvider: new mqtt.UniqueMessageIdProvider(),
      ...(will ? { will: { ...will, payload: Buffer.from(bytes(will.payload)) } } : {}),
    };
    this.#client = mqtt.connect(url, settings);
    this.#client.on("message", (topic, payload, packet) => {
      this.#gatherWrites();
      onMessage({ topic, payload, retain: packet.retain });
    });
    this.#client.on("error", (error) => {
      this.#lastError = error;
      // MQTT.js leaves the socket open after some errors, a refused CONNECT or a malformed packet among them.
      this.#client.end(true);
    });
    this.#closed = new Promise((resolve) => {
      this.#client.once("close", () => {
        this.#ended = true;
        this.#failPending("the connection closed before the broker acknowledged it");
        resolve();
      });
    });
  }

  /** Resolves when the broker has accepted the connection; rejects with the reason when it has not. */
  static async open(options: SessionOptions): Promise<MqttSession> {
    options.signal.throwIfAborted();
    const session = new MqttSession(options);
    const giveUp = () => session.#client.end(true);
    options.signal.addEventListener("abort", giveUp, { once: true });
    const connected = new Promise<void>((resolve) => session.#client.once("connect", () => resolve()));
    const refused = session.#closed.then(() => {
      const url = displayUrl(options.url);
      const reason = session.#lastError ? systemErrorCode(session.#lastError) : "closed before CONNACK";
      throw new TransportError(`cannot connect to ${url} as ${options.clientId}: ${reason}`, {
        code: "connect-failed",
        retryable: true,
        context: { url, clientId: options.clientId, reason },
        cause: session.#lastError,
      });
    });
    try {
      await Promise.race([connected, refused]);
    } finally {
      options.signal.removeEventListener("abort", giveUp);
    }
    return session;
  }

  /** Resolves when the connection has ended, for whatever reason. */
  get closed(): Promise<void> {
    return this.#closed;
  }

  /** Resolves on PUBACK (QoS 1) or when written (QoS 0); rejects with TransportError when the connection ends first. */
  publish(topic: string, payload: string | Uint8Array, options: PublishOptions): Promise<void> {
    const { qos = 1, retain = false, signal } = options;
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason);
      if (this.#ended) return reject(lost(`publish to ${topic}`, "the connection has closed"));
      const settle = () => {
        signal?.removeEventListener("abort", onAbort);
        return this.#pending.delete(fail);
      };
      const fail = (error: unknown) => {
        if (settle()) reject(error);
      };
      const onAbort = () => fail(signal?.reason);
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#pending.add(fail);
      this.#client.publish(topic, bytes(payload), { qos, retain }, (error) => {
        if (error) fail(lost(`publish to ${topic}`, error.message, error));
        else if (settle()) resolve();
      });
    });
  }

  /** Rejects with TransportError: code `subscription-denied` when the broker says no, else because the connection is lost. */
  async subscribe(filters: ReadonlyMap<string, 0 | 1>): Promise<void> {
    const request = Object.fromEntries([...filters].map(([filter, qos]) => [filter, { qos }]));
    const names = [...filters.keys()].join(", ");
    const granted = new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#client.end(true);
        reject(lost(`subscribe to ${names}`, `no SUBACK within ${SUBSCRIBE_TIMEOUT_MS / 1000} s`));
      }, SUBSCRIBE_TIMEOUT_MS);
      this.#client.subscribe(request, (error, _grants, packet) => {
        clearTimeout(timer);
        const codes = packet?.granted ?? [];
        const denied = [...filters.keys()].filter((_, index) => codes[index] === SUBACK_FAILURE);
        if (denied.length > 0) {
          reject(
            new TransportError(
              `the broker denies the subscription to ${denied.join(", ")}: check the filter and the client's rights`,
              {
                code: "subscription-denied",
                context: { filters: denied },
              },
            ),
          );
        } else if (error) reject(lost(`subscribe to ${names}`, error.message, error));
        else resolve();
      });
    });
    const closed = this.#closed.then(() => {
      throw lost(`subscribe to ${names}`, "the connection closed before SUBACK");
    });
    await Promise.race([granted, closed]);
  }

  /** Best effort: the subscription ends with the connection anyway. */
  async unsubscribe(filter: string): Promise<void> {
    const done = new Promise<void>((resolve) => this.#client.unsubscribe(filter, () => resolve()));
    await Promise.race([done, this.#closed]);
  }

  /**
   * Waits a moment for publishes under way and says DISCONNECT, so that the broker does not publish the will. Ends within
   * a few seconds whatever the broker does.
   */
  async close(): Promise<void> {
    const deadlineMs = performance.now() + FLUSH_TIMEOUT_MS;
    while (this.#pending.size > 0 && performance.now() < deadlineMs) await sleep(FLUSH_POLL_MS);
    this.#failPending("the client is closing");
    // MQTT.js sends DISCONNECT only once nothing is in flight.
    for (const id of Object.keys(this.#client.outgoing)) this.#client.removeOutgoingMessage(Number(id));
    // A second `end` is ignored by MQTT.js, forced or not.
    const force = setTimeout(() => this.#client.stream.destroy(), DISCONNECT_TIMEOUT_MS);
    if (!this.#ended) this.#client.end(false);
    await this.#closed;
    clearTimeout(force);
  }

  /** Until all that has arrived at once is handled: MQTT.js would write the PUBACK of each message with a system call of its own. */
  #gatherWrites(): void {
    if (this.#gathering) return;
    this.#gathering = true;
    const { stream } = this.#client;
    stream.cork();
    setImmediate(() => {
      this.#gathering = false;
      stream.uncork();
    });
  }

  #failPending(reason: string): void {
    for (const fail of this.#pending) fail(lost("publish", reason));
  }
}
