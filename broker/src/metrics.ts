import { counter, counters, gauge, type Metric } from "@edgewatt/runtime";
import type { Broker } from "./broker.ts";

/** The broker's figures for `--metrics-port`. */
export function brokerMetrics(broker: Broker): readonly Metric[] {
  const { traffic } = broker;
  return [
    gauge("clients_connected", "Clients with a completed CONNECT", () => broker.connections()),
    gauge("connections_open", "Open connections, those without a CONNECT too", () => broker.open()),
    counter("connections_total", "Connections that were accepted by the socket", () => traffic.connections),
    counters(
      "connections_failed_total",
      "Connections that were refused or ended by a fault, by reason",
      "reason",
      () => traffic.failed,
    ),
    gauge("subscriptions", "Subscriptions of the connected clients", () => broker.subscriptions()),
    counters(
      "subscriptions_refused_total",
      "Subscriptions that were refused, by reason",
      "reason",
      () => traffic.refused,
    ),
    counter(
      "messages_received_total",
      "Messages that clients published, wills included",
      () => traffic.messagesReceived,
    ),
    counter("messages_sent_total", "Messages that were given to subscribers", () => traffic.messagesSent),
    counter("received_bytes_total", "Bytes received on the sockets", () => traffic.bytesReceived),
    counter("sent_bytes_total", "Bytes sent on the sockets", () => traffic.bytesSent),
    gauge("retained_messages", "Retained messages", () => traffic.retainedMessages),
    gauge("retained_bytes", "Payload of the retained messages", () => traffic.retainedBytes),
  ];
}
