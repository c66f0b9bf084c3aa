import { retryDelayMs } from "./retry-delay.ts";
import mqtt from "../vendor/mqtt.js";
import { topicFilter } from "../vendor/protocol/topics.js";

const FILTERS = [
  topicFilter("status"),
  topicFilter("info"),
  topicFilter("live"),
  topicFilter("telemetry", { stream: "power" }),
  topicFilter("telemetry", { stream: "system" }),
  topicFilter("telemetry", { stream: "event" }),
  topicFilter("command"),
  topicFilter("jobState"),
  topicFilter("jobEvent"),
];
const CONNECT_TIMEOUT_MS = 10_000;

/** The page's way to the broker. */
export interface Connection {
  readonly connected: boolean;
  /**
   * Leaves a message at the broker, retained; resolves when the broker has it. One that is on its way when the connection breaks is
   * sent again by the next.
   * @throws {Error} what to do, when there is no connection
   */
  retain(topic: string, message: unknown): Promise<void>;
}

/** Follows the fleet over the hub's own WebSocket; comes back by itself. */
export function connect(handlers: {
  onMessage: (topic: string, payload: Uint8Array) => void;
  onConnected: (connected: boolean) => void;
}): Connection {
  const url = new URL("/mqtt", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const client = mqtt.connect(url.href, {
    // No device can have this id: theirs have no underscore.
    clientId: `_page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
    protocolVersion: 4,
    clean: true,
    keepalive: 30,
    connectTimeout: CONNECT_TIMEOUT_MS,
    // Its pauses are all the same.
    reconnectPeriod: 0,
    // Every connect subscribes; both would bring what is retained twice.
    resubscribe: false,
    // The other kind starts a worker from a blob, which the page's policy forbids.
    timerVariant: "native",
  });
  let attempt = 0;
  let retry: ReturnType<typeof setTimeout> | undefined;
  const again = (): void => {
    clearTimeout(retry);
    retry = undefined;
    client.reconnect();
  };
  client.on("connect", () => {
    attempt = 0;
    handlers.onConnected(true);
    client.subscribe(FILTERS, { qos: 0 });
  });
  client.on("close", () => {
    handlers.onConnected(false);
    clearTimeout(retry);
    retry = setTimeout(again, retryDelayMs(attempt++, Math.random()));
  });
  // The reason is in the close that follows.
  client.on("error", () => {});
  client.on("message", (topic, payload) => handlers.onMessage(topic, payload));
  // A machine that wakes up or has its network again waits no longer.
  addEventListener("online", () => {
    if (retry !== undefined) again();
  });
  return {
    get connected() {
      return client.connected;
    },
    async retain(topic, message) {
      if (!client.connected) {
        throw new Error(
          "There is no connection to the broker now: this was not sent. Try again when the page says live.",
        );
      }
      await client.publishAsync(topic, JSON.stringify(message), { qos: 1, retain: true });
    },
  };
}
