import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { hostPort, listen } from "./listen.ts";
import type { Logger } from "./logger.ts";
import { MetricsRegistry } from "./metrics-registry.ts";
import type { Health, Observation } from "./metrics.ts";

const MAX_CONNECTIONS = 32;
const REQUEST_TIMEOUT_MS = 10_000;
const JSON_TYPE = "application/json; charset=utf-8";

export interface MetricsPortOptions {
  /** Name of the service, in the names of its metrics. */
  readonly service: string;
  readonly host: string;
  /** 0 for a free one. */
  readonly port: number;
  readonly log: Logger;
}

/**
 * The port of `--metrics-port`: `GET /metrics` in the text format of Prometheus, and `GET /health`, which answers 200 while the
 * service does its work and 503 with the reason otherwise. It is open from before the service starts, then with what every
 * process has, until after it has stopped.
 */
export class MetricsPort {
  readonly #log: Logger;
  readonly #registry: MetricsRegistry;
  readonly #server: Server;
  #url = "";
  #health: () => Health = () => ({ healthy: false, state: "starting", reason: "the service is not ready yet" });

  private constructor(log: Logger, registry: MetricsRegistry) {
    this.#log = log;
    this.#registry = registry;
    this.#server = createServer({ requestTimeout: REQUEST_TIMEOUT_MS }, (request, response) =>
      this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
  }

  /** @throws {RuntimeError} code `listen` when the port cannot be had */
  static async open({ service, host, port, log }: MetricsPortOptions): Promise<MetricsPort> {
    const opened = new MetricsPort(log, await MetricsRegistry.create(service));
    const bound = await listen(opened.#server, { host, port, flag: "--metrics-port" });
    opened.#url = `http://${hostPort(host, bound)}/metrics`;
    return opened;
  }

  /** Where `/metrics` is. */
  get url(): string {
    return this.#url;
  }

  /** The service has started: its figures join the answers, and its health is its own. Once. */
  observe({ metrics, health }: Observation): void {
    this.#registry.add(metrics);
    this.#health = health;
  }

  /** The service has begun to stop; its figures stay readable. */
  stopping(): void {
    this.#health = () => ({ healthy: false, state: "stopping", reason: "the service is being stopped" });
  }

  async close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    this.#server.closeAllConnections();
    await closed;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    this.#route(request, response).catch((error: unknown) => {
      this.#log.error({ err: error }, "the metrics could not be read");
      if (response.headersSent) response.destroy();
      else reply(request, response, { status: 500, type: JSON_TYPE, body: '{"error":"see the log"}\n' });
    });
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = (request.url ?? "/").split("?")[0];
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      reply(request, response, { status: 405, type: JSON_TYPE, body: '{"error":"use GET or HEAD"}\n' });
    } else if (path === "/metrics") {
      const body = await this.#registry.text();
      reply(request, response, { status: 200, type: this.#registry.contentType, body });
    } else if (path === "/health") {
      const { healthy, state, reason } = this.#health();
      const body = `${JSON.stringify({ state, reason, uptimeS: Math.floor(process.uptime()) })}\n`;
      reply(request, response, { status: healthy ? 200 : 503, type: JSON_TYPE, body });
    } else {
      reply(request, response, { status: 404, type: JSON_TYPE, body: '{"error":"try /metrics or /health"}\n' });
    }
  }
}

function reply(
  request: IncomingMessage,
  response: ServerResponse,
  { status, type, body }: { status: number; type: string; body: string },
): void {
  response.writeHead(status, {
    "Content-Type": type,
    "Content-Length": Buffer.byteLength(body),
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
  });
  response.end(request.method === "HEAD" ? undefined : body);
}
