import { createServer } from "node:http";
import { hostPort, listen } from "@edgewatt/runtime";
import type { Broker } from "./broker.ts";
import { closeHttp } from "./listeners.ts";
import type { Listener } from "./listeners.ts";

/** Answers `GET /health` with `{connections, uptimeS}`. */
export async function listenHealth(broker: Broker, { host, port }: { host: string; port: number }): Promise<Listener> {
  const server = createServer((request, response) => {
    const known = request.url === "/health" && (request.method === "GET" || request.method === "HEAD");
    const body = known
      ? { connections: broker.connections(), uptimeS: Math.floor(process.uptime()) }
      : { error: "try GET /health" };
    response.writeHead(known ? 200 : 404, { "content-type": "application/json" }).end(`${JSON.stringify(body)}\n`);
  });
  const bound = await listen(server, { host, port, flag: "--metrics-port" });
  return {
    url: `http://${hostPort(host, bound)}`,
    close: () => closeHttp(server),
  };
}
