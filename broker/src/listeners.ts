import { createServer as createHttpServer } from "node:http";
import type { IncomingMessage, Server as HttpServer } from "node:http";
import { createServer as createTcpServer } from "node:net";
import type { Server } from "node:net";
import { hostPort, listen } from "@edgewatt/runtime";
import { createWebSocketStream, WebSocketServer } from "ws";
import type { Broker } from "./broker.ts";
import { MAX_PACKET_BYTES } from "./packet-guard.ts";

/** Something that accepts connections. */
export interface Listener {
  readonly url: string;
  /** Stops accepting; resolves when the last connection has gone. */
  close(): Promise<void>;
}

/** A frame may carry several packets, and `ws` collects a whole frame before the packet guard sees its first byte. */
const MAX_FRAME_BYTES = 4 * MAX_PACKET_BYTES;
const SUBPROTOCOLS = ["mqtt", "mqttv3.1"];

function closing(server: Server): Promise<void> {
  return new Promise((resolve) => server.close(() => resolve()));
}

/** Ends HTTP connections too, also one that has sent nothing; those that became WebSockets are the broker's. */
async function closeHttp(server: HttpServer): Promise<void> {
  const closed = closing(server);
  server.closeAllConnections();
  await closed;
}

export async function listenTcp(broker: Broker, { host, port }: { host: string; port: number }): Promise<Listener> {
  // With Nagle's algorithm an acknowledgement can wait 40 ms for the next packet.
  const server = createTcpServer({ noDelay: true }, (socket) => broker.accept(socket));
  const bound = await listen(server, { host, port, flag: "--mqtt-port" });
  return { url: `mqtt://${hostPort(host, bound)}`, close: () => closing(server) };
}

/** A browser lets any page open a WebSocket to this machine, so a page from elsewhere is refused by its Origin. */
function isOwnPage(request: IncomingMessage): boolean {
  const { origin, host } = request.headers;
  if (origin === undefined) return true;
  return (
    URL.canParse(origin) &&
    host !== undefined &&
    URL.canParse(`http://${host}`) &&
    new URL(origin).hostname === new URL(`http://${host}`).hostname
  );
}

function acceptWebSockets(server: HttpServer, broker: Broker): void {
  const sockets = new WebSocketServer({
    server,
    maxPayload: MAX_FRAME_BYTES,
    handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) ?? false,
    verifyClient: ({ req }: { req: IncomingMessage }) => isOwnPage(req),
  });
  sockets.on("connection", (socket, request) => broker.accept(createWebSocketStream(socket), request));
  // `listen` reports a failing bind; ws repeats the same event here and would throw it.
  sockets.on("error", () => {});
}

export async function listenWebSocket(
  broker: Broker,
  { host, port }: { host: string; port: number },
): Promise<Listener> {
  const server = createHttpServer((_request, response) => {
    response.writeHead(426, { connection: "close", upgrade: "websocket" }).end();
  });
  acceptWebSockets(server, broker);
  const bound = await listen(server, { host, port, flag: "--ws-port" });
  return { url: `ws://${hostPort(host, bound)}`, close: () => closeHttp(server) };
}
