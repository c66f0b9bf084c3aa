import type { IncomingMessage } from "node:http";
import { connect as connectTcp } from "node:net";
import type { Duplex } from "node:stream";
import { pipeline } from "node:stream/promises";
import { connect as connectTls } from "node:tls";
import type { Logger } from "@edgewatt/runtime";
import { createWebSocketStream, WebSocket, WebSocketServer } from "ws";
import { HttpError } from "../errors.ts";
import { checkOrigin, type HostNames } from "./origin.ts";

const MAX_CONNECTIONS = 64;
const MAX_FRAME_BYTES = 1024 * 1024;
const SUBPROTOCOL = "mqtt";

/**
 * `/mqtt`: the broker under the origin of the page. Bytes go both ways unread; a side that is slow slows the other down.
 */
export class MqttRelay {
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_FRAME_BYTES,
    perMessageDeflate: false,
    handleProtocols: () => SUBPROTOCOL,
  });
  readonly #broker: () => string | undefined;
  readonly #names: HostNames;
  readonly #log: Logger;

  /** @param options.broker address of the broker that the hub itself is connected to */
  constructor(options: { broker: () => string | undefined; names: HostNames; log: Logger }) {
    this.#broker = options.broker;
    this.#names = options.names;
    this.#log = options.log;
  }

  /** Connections that are being relayed. */
  get connections(): number {
    return this.#server.clients.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    try {
      this.#check(request);
    } catch (error) {
      const { status, message } = error instanceof HttpError ? error : { status: 500, message: "internal error" };
      refuse(socket, status, message);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => {
      this.#relay(client).catch((error: unknown) => {
        // Either side may end at any moment; the client reconnects by itself.
        this.#log.debug({ err: error }, "an MQTT connection of the page ended");
      });
    });
  }

  close(): void {
    for (const client of this.#server.clients) client.terminate();
    this.#server.close();
  }

  #check(request: IncomingMessage): void {
    checkOrigin(request, this.#names);
    const offered = (request.headers["sec-websocket-protocol"] ?? "").split(",").map((name) => name.trim());
    if (new URL(request.url ?? "/", "http://hub").pathname !== "/mqtt") {
      throw new HttpError(404, "no-such-path", "WebSocket is spoken at /mqtt only");
    }
    if (!offered.includes(SUBPROTOCOL)) throw new HttpError(400, "bad-subprotocol", "the subprotocol must be mqtt");
    if (this.#server.clients.size >= MAX_CONNECTIONS) {
      throw new HttpError(503, "busy", `the hub relays ${MAX_CONNECTIONS} connections at a time`);
    }
  }

  async #relay(client: WebSocket): Promise<void> {
    const page = createWebSocketStream(client);
    const address = this.#broker();
    // The page tries again soon.
    if (address === undefined) return client.close();
    const broker = openBroker(new URL(address));
    await Promise.all([pipeline(page, broker), pipeline(broker, page)]);
  }
}

/** Node has let go of an upgraded socket: without these a client's reset ends the hub, and one that stays keeps it from ending. */
function refuse(socket: Duplex, status: number, message: string): void {
  socket.on("error", () => socket.destroy());
  socket.once("finish", () => socket.destroy());
  socket.end(`HTTP/1.1 ${status} Refused\r\nConnection: close\r\nContent-Type: text/plain\r\n\r\n${message}\n`);
}

function openBroker(url: URL): Duplex {
  const host = url.hostname.replace(/^\[|\]$/g, "");
  switch (url.protocol) {
    case "mqtts:":
      return connectTls({ host, port: Number(url.port || 8883), servername: host });
    case "ws:":
    case "wss:":
      return createWebSocketStream(new WebSocket(url, SUBPROTOCOL));
    default:
      return connectTcp({ host, port: Number(url.port || 1883), noDelay: true });
  }
}
