import type { Logger } from "./logger.ts";
import { TransportError } from "./errors.ts";
import type { MqttMessage, MqttSession } from "./mqtt-session.ts";
import { topicMatches } from "./topic-filter.ts";

interface Entry {
  readonly handler: (message: MqttMessage) => void;
  readonly qos: 0 | 1;
}

/** What a connection is subscribed to; outlives its sessions. */
export class MqttSubscriptions {
  #log: Logger;
  #byFilter = new Map<string, Set<Entry>>();

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Returns how to remove the handler, which tells whether it was the last one of its filter. */
  add(filter: string, handler: (message: MqttMessage) => void, qos: 0 | 1): () => "last" | "others" {
    const entry: Entry = { handler, qos };
    const entries = this.#byFilter.get(filter) ?? new Set();
    entries.add(entry);
    this.#byFilter.set(filter, entries);
    return () => {
      const removed = entries.delete(entry);
      if (!removed || entries.size > 0) return "others";
      this.#byFilter.delete(filter);
      return "last";
    };
  }

  /** The filter with the highest QoS that its handlers want. */
  wanted(filter: string): Map<string, 0 | 1> {
    const entries = [...(this.#byFilter.get(filter) ?? [])];
    return new Map([[filter, entries.some((entry) => entry.qos === 1) ? 1 : 0]]);
  }

  /** Subscribes a new session to everything; a filter that the broker denies does not keep the others from working. */
  async restore(session: MqttSession): Promise<void> {
    const requests = [...this.#byFilter.keys()].map(async (filter) => {
      try {
        await session.subscribe(this.wanted(filter));
      } catch (error) {
        if (error instanceof TransportError && error.code === "subscription-denied") {
          this.#log.error({ err: error, filter }, "subscription denied after a reconnect");
        } else {
          this.#log.debug({ err: error, filter }, "connection lost while subscribing");
        }
      }
    });
    await Promise.all(requests);
  }

  dispatch(message: MqttMessage): void {
    for (const [filter, entries] of this.#byFilter) {
      if (!topicMatches(filter, message.topic)) continue;
      for (const { handler } of entries) this.#deliver(handler, message);
    }
  }

  #deliver(handler: (message: MqttMessage) => unknown, message: MqttMessage): void {
    const fail = (error: unknown) => this.#log.error({ err: error, topic: message.topic }, "a message handler failed");
    try {
      const result = handler(message);
      // An async function is assignable to a handler that returns nothing.
      if (result instanceof Promise) result.catch(fail);
    } catch (error) {
      fail(error);
    }
  }
}
