import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { Logger } from "@edgewatt/runtime";
import type { ArtifactStore } from "../artifacts/store.ts";
import { HttpError } from "../errors.ts";
import type { Journal } from "../journal/journal.ts";
import { Api } from "./api.ts";
import { ArtifactRoute } from "./artifacts.ts";
import type { RecentPower } from "../power/recent-power.ts";
import type { MqttRelay } from "./mqtt-relay.ts";
import { checkOrigin } from "./origin.ts";
import { loadPageFiles } from "./page-files.ts";
import { sendContent, sendError, sendJson, sendPageFile, setSecurityHeaders } from "./reply.ts";

const MAX_CONNECTIONS = 512;
const UPLOAD_TIMEOUT_MS = 30 * 60_000;

export interface HubServerOptions {
  readonly store: ArtifactStore;
  readonly journal: Journal;
  readonly relay: MqttRelay;
  readonly power: RecentPower;
  readonly loopbackOnly: boolean;
  readonly log: Logger;
  /** Whether the hub has its broker. */
  readonly connected: () => boolean;
}

/** The hub's one HTTP server, not yet listening: page, API, artifacts, health, and the relay at `/mqtt`. */
export async function createHubServer(options: HubServerOptions): Promise<Server> {
  const { relay, loopbackOnly, log } = options;
  const route = await routes(options);
  const handle = (request: IncomingMessage, response: ServerResponse) => {
    setSecurityHeaders(response);
    const answer = async () => {
      checkOrigin(request, loopbackOnly);
      await route(request, response);
    };
    answer().catch((error: unknown) => sendError(request, response, error, log));
  };
  const server = createServer({ requestTimeout: UPLOAD_TIMEOUT_MS }, handle);
  // Whether the body is wanted is for the route to say.
  server.on("checkContinue", handle);
  server.maxConnections = MAX_CONNECTIONS;
  server.on("upgrade", (request, socket, head) => relay.upgrade(request, socket, head));
  return server;
}

type Route = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

async function routes({ store, journal, power, connected }: HubServerOptions): Promise<Route> {
  const page = await loadPageFiles();
  const api = new Api(journal, power);
  const artifacts = new ArtifactRoute(store);
  return async (request, response) => {
    const url = urlOf(request);
    const path = pathOf(url);
    if (path.startsWith("/artifacts/")) {
      await artifacts.handle(request, response, path.slice("/artifacts/".length));
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      response.setHeader("Allow", "GET, HEAD");
      throw new HttpError(405, "method-not-allowed", `${path} takes GET and HEAD, not ${request.method}`);
    }
    if (path === "/health") {
      sendJson(
        request,
        response,
        { ok: connected(), broker: connected() ? "connected" : "lost" },
        connected() ? 200 : 503,
      );
      return;
    }
    if (path.startsWith("/api/")) {
      await sendContent(request, response, api.get(path.slice("/api/".length), url.searchParams));
      return;
    }
    const file = page.get(path);
    if (file === undefined) throw new HttpError(404, "no-such-path", `there is nothing at ${path}`);
    sendPageFile(request, response, file);
  };
}

function urlOf(request: IncomingMessage): URL {
  try {
    return new URL(request.url ?? "/", "http://hub");
  } catch {
    throw badPath();
  }
}

function pathOf(url: URL): string {
  try {
    return decodeURIComponent(url.pathname);
  } catch {
    throw badPath();
  }
}

function badPath(): HttpError {
  return new HttpError(400, "bad-path", "the path of the request cannot be read");
}
