import { setTimeout as sleep } from "node:timers/promises";
import pRetry from "p-retry";
import { TransportError } from "./errors.ts";
import type { ConnectOptions, MqttConnection, MqttSubscription } from "./mqtt-connection.ts";
import type { MqttMessage, PublishOptions } from "./mqtt-session.ts";
import { brokerAddresses, displayUrl, MqttSession } from "./mqtt-session.ts";
import { MqttSubscriptions } from "./mqtt-subscriptions.ts";

const BACKOFF = { minTimeout: 500, maxTimeout: 30_000, factor: 2, randomize: true };
/** A connection that ends sooner counts as a failed attempt, so that two clients with one id do not take turns in a hurry. */
const STABLE_MS = 5_000;
/** A broker that restarts finds its clients spread over this time. */
const SPREAD_MS = 500;
const KEEPALIVE_S = 60;

/** Holds one session after another. */
export class ReconnectingMqtt implements MqttConnection {
  #options: ConnectOptions;
  #addresses: readonly string[];
  #address = 0;
  #session: MqttSession | undefined;
  #subscriptions: MqttSubscriptions;
  #connectHandlers = new Set<() => void>();
  #disconnectHandlers = new Set<() => void>();
  #stopping = new AbortController();
  #running: Promise<void>;
  lastError: unknown;

  constructor(options: ConnectOptions) {
    this.#options = options;
    this.#addresses = brokerAddresses(options.url);
    this.#subscriptions = new MqttSubscriptions(options.log);
    options.signal?.addEventListener("abort", () => this.#stopping.abort(options.signal?.reason), { once: true });
    if (options.signal?.aborted) this.#stopping.abort(options.signal.reason);
    this.#running = this.#run();
  }

  get connected(): boolean {
    return this.#session !== undefined;
  }

  get broker(): string {
    return this.#addresses[this.#address] ?? this.#options.url;
  }

  async publish(topic: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    if (!this.#session) {
      const url = displayUrl(this.#options.url);
      throw new TransportError(`publish to ${topic}: not connected to ${url}; try again when the broker is back`, {
        code: "not-connected",
        retryable: true,
        context: { topic, url },
      });
    }
    await this.#session.publish(topic, payload, options);
  }

  async subscribe(
    filter: string,
    handler: (message: MqttMessage) => void,
    options: { qos?: 0 | 1 } = {},
  ): Promise<MqttSubscription> {
    const remove = this.#subscriptions.add(filter, handler, options.qos ?? 1);
    const session = this.#session;
    if (session) {
      try {
        await session.subscribe(this.#subscriptions.wanted(filter));
      } catch (error) {
        if (error instanceof TransportError && error.code === "subscription-denied") {
          remove();
          throw error;
        }
        // The connection was lost meanwhile; the next one makes the subscription.
        this.#options.log.debug({ err: error, filter }, "subscription waits for the next connection");
      }
    }
    return {
      unsubscribe: async () => {
        if (remove() === "last") await this.#session?.unsubscribe(filter);
      },
    };
  }

  onConnect(fn: () => void): () => void {
    this.#connectHandlers.add(fn);
    return () => void this.#connectHandlers.delete(fn);
  }

  onDisconnect(fn: () => void): () => void {
    this.#disconnectHandlers.add(fn);
    return () => void this.#disconnectHandlers.delete(fn);
  }

  async drop(): Promise<void> {
    await this.#session?.close();
  }

  async close(): Promise<void> {
    this.#stopping.abort(new TransportError("the MQTT connection was closed", { code: "closed" }));
    await this.#session?.close();
    await this.#running;
  }

  async #run(): Promise<void> {
    const { signal } = this.#stopping;
    const { log } = this.#options;
    while (!signal.aborted) {
      try {
        const session = await pRetry(() => this.#connectAndHold(), {
          ...BACKOFF,
          forever: true,
          signal,
          onFailedAttempt: (error) => {
            if (this.#lastReason() !== error.message)
              log.warn({ reason: error.message }, "no connection to the broker; still trying");
            this.lastError = error;
          },
        });
        await session.closed;
        await sleep(Math.random() * SPREAD_MS, undefined, { signal });
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }
  }

  #lastReason(): string | undefined {
    return this.lastError instanceof Error ? this.lastError.message : undefined;
  }

  /** Resolves with a session that has proved itself, or with none left to retry because we are stopping. */
  async #connectAndHold(): Promise<MqttSession> {
    const { log, clientId } = this.#options;
    const session = await this.#open();
    const url = this.broker;
    if (this.#stopping.signal.aborted) {
      await session.close();
      return session;
    }
    this.#session = session;
    const ended = session.closed.then(() => {
      this.#session = undefined;
      log.info({ url: displayUrl(url) }, "disconnected from the broker");
      this.#call(this.#disconnectHandlers);
      return "ended" as const;
    });
    await this.#subscriptions.restore(session);
    this.lastError = undefined;
    log.info({ url: displayUrl(url), clientId }, "connected to the broker");
    if (this.#session === session) this.#call(this.#connectHandlers);
    const stable = sleep(STABLE_MS, "stable" as const, { ref: false });
    if ((await Promise.race([ended, stable])) === "ended" && !this.#stopping.signal.aborted) {
      throw new TransportError(
        `the connection to ${displayUrl(url)} as ${clientId} ended at once: is another client using this id?`,
        {
          code: "connection-unstable",
          retryable: true,
        },
      );
    }
    return session;
  }

  /** A session with the first of the brokers that answers, beginning with the last one that did. */
  async #open(): Promise<MqttSession> {
    const { clientId, will, beforeConnect, keepaliveS = KEEPALIVE_S } = this.#options;
    const { signal } = this.#stopping;
    await beforeConnect?.(signal);
    let failure: unknown;
    for (let tries = 0; tries < this.#addresses.length; tries++) {
      try {
        return await MqttSession.open({
          url: this.broker,
          clientId,
          will: will?.(),
          keepaliveS,
          onMessage: (message) => this.#subscriptions.dispatch(message),
          signal,
        });
      } catch (error) {
        signal.throwIfAborted();
        failure = error;
        this.#address = (this.#address + 1) % this.#addresses.length;
      }
    }
    throw failure;
  }

  #call(handlers: ReadonlySet<() => void>): void {
    for (const handler of handlers) {
      try {
        handler();
      } catch (error) {
        this.#options.log.error({ err: error }, "a connection handler failed");
      }
    }
  }
}
