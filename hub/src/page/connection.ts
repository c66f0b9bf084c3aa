import mqtt from "./vendor/mqtt.js";
import { topicFilter } from "./vendor/protocol/topics.js";

const FILTERS = [
  topicFilter("status"),
  topicFilter("info"),
  topicFilter("live"),
  topicFilter("telemetry", { stream: "power" }),
  topicFilter("telemetry", { stream: "system" }),
  topicFilter("jobState"),
];

/** Follows the fleet over the hub's own WebSocket; comes back by itself. */
export function connect(handlers: {
  onMessage: (topic: string, payload: Uint8Array) => void;
  onConnected: (connected: boolean) => void;
}): void {
  const url = new URL("/mqtt", location.href);
  url.protocol = location.protocol === "https:" ? "wss:" : "ws:";
  const client = mqtt.connect(url.href, {
    // No device can have this id: theirs have no underscore.
    clientId: `_page-${crypto.getRandomValues(new Uint32Array(2)).join("-")}`,
    protocolVersion: 4,
    clean: true,
    keepalive: 30,
    reconnectPeriod: 1500,
    // The other kind starts a worker from a blob, which the page's policy forbids.
    timerVariant: "native",
  });
  client.on("connect", () => {
    handlers.onConnected(true);
    client.subscribe(FILTERS, { qos: 0 });
  });
  client.on("close", () => handlers.onConnected(false));
  client.on("message", (topic, payload) => handlers.onMessage(topic, payload));
}
