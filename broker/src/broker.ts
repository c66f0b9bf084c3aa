import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import type { Logger } from "@edgewatt/runtime";
import { Aedes } from "aedes";
import type { Client } from "aedes";
import { openAccess } from "./authorize.ts";
import { guardPacketSize } from "./packet-guard.ts";
import { subscriptionsOf, Traffic } from "./traffic.ts";

const CONNECT_TIMEOUT_MS = 10_000;
/** A subscriber that does not read holds up its topics for this long and is then cut off. */
const DRAIN_TIMEOUT_MS = 8_000;
const HEARTBEAT_MS = 5_000;

/** MQTT 3.1.1 over any byte stream. Sessions and retained messages live in memory: their owners publish them again. */
export interface Broker {
  /** Takes over a connection; it is the broker's to close. */
  accept(stream: Duplex, request?: IncomingMessage): void;
  /** Clients with a completed CONNECT. */
  connections(): number;
  /** Connections, those without a CONNECT too. */
  open(): number;
  /** Subscriptions of the connected clients. */
  subscriptions(): number;
  /** What has gone through it. */
  readonly traffic: Traffic;
  /** Ends all connections, those without a CONNECT too. */
  close(): Promise<void>;
}

export async function createBroker({ log }: { log: Logger }): Promise<Broker> {
  const traffic = new Traffic();
  const aedes = await Aedes.createBroker({
    connectTimeout: CONNECT_TIMEOUT_MS,
    drainTimeout: DRAIN_TIMEOUT_MS,
    heartbeatInterval: HEARTBEAT_MS,
    ...openAccess(traffic),
  });
  traffic.watch(aedes);
  const open = new Map<Duplex, Client>();
  // Aedes' own count of clients drifts.
  const connected = () => [...open.values()].filter((client) => client.connected);

  aedes.on("clientReady", (client) => log.debug({ clientId: client.id }, "client connected"));
  aedes.on("clientDisconnect", (client) => log.debug({ clientId: client.id }, "client disconnected"));
  const reported = new WeakSet<Client>();
  const reportOnce = (client: Client, error: Error) => {
    // Aedes repeats the error for every message that was still to be written.
    if (reported.has(client)) return;
    reported.add(client);
    traffic.connectionFailed(error);
    log.info({ clientId: client.id, reason: error.message }, "connection ended");
  };
  aedes.on("clientError", reportOnce);
  aedes.on("connectionError", reportOnce);

  return {
    accept(stream, request) {
      const client = aedes.handle(stream, request);
      guardPacketSize(client);
      open.set(stream, client);
      traffic.opened(stream, request);
      stream.once("close", () => open.delete(stream));
    },
    connections() {
      return connected().length;
    },
    open() {
      return open.size;
    },
    subscriptions() {
      return connected().reduce((sum, client) => sum + subscriptionsOf(client), 0);
    },
    traffic,
    async close() {
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      for (const stream of open.keys()) stream.destroy();
    },
  };
}
