import type { Logger } from "./logger.ts";
import type { MqttMessage, MqttWill, PublishOptions } from "./mqtt-session.ts";

/** A connection to a broker that comes back by itself; all methods may be called at any time from one thread. */
export interface MqttConnection {
  readonly connected: boolean;
  /** Address of the broker that it is connected to, or tries next. */
  readonly broker: string;
  /** Resolves on PUBACK (QoS 1, the default) or when written (QoS 0); rejects with TransportError when not connected or lost meanwhile. */
  publish(topic: string, payload: string | Uint8Array, options?: PublishOptions): Promise<void>;
  /**
   * Resolves when granted, or at once while there is no connection; made again on every reconnect. Rejects with
   * TransportError (`subscription-denied`) when the broker refuses it. What a handler throws is logged.
   */
  subscribe(
    filter: string,
    handler: (message: MqttMessage) => void,
    options?: { qos?: 0 | 1 },
  ): Promise<MqttSubscription>;
  /** Called after each connect, when the subscriptions stand; returns how to stop that. */
  onConnect(fn: () => void): () => void;
  onDisconnect(fn: () => void): () => void;
  /** Says DISCONNECT and connects again, which `beforeConnect` may put off. */
  drop(): Promise<void>;
  /** Says DISCONNECT, so that no will is published; ends within seconds. */
  close(): Promise<void>;
}

export interface MqttSubscription {
  unsubscribe(): Promise<void>;
}

export interface ConnectOptions {
  /** One address, or those of the brokers of one cluster, separated by commas: the next is tried when one does not answer. */
  readonly url: string;
  readonly clientId: string;
  readonly log: Logger;
  /** Gives up connecting and reconnecting; a connection that stands stays until `close`. */
  readonly signal?: AbortSignal;
  /** Asked before every connect. */
  readonly will?: () => MqttWill;
  /** Awaited before every connect. */
  readonly beforeConnect?: (signal: AbortSignal) => Promise<void>;
  /** A connection on which nothing comes back is given up within one and a half times this. Default 60. */
  readonly keepaliveS?: number;
  /** Wait this long for the first connection, then reject with UnreachableError. Without it: resolve at once, keep trying. */
  readonly waitMs?: number;
}
