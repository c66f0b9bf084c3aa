import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { StandInState, type Reply } from "./stand-in-state.ts";

type Json = Record<string, unknown>;

export interface Seen {
  readonly method: string;
  readonly path: string;
  readonly body: Json;
  readonly disablesProvenance: boolean;
}

type Route = (match: RegExpExecArray, seen: Seen) => Reply;

/** An HTTP server that speaks as much of Grafana's API as pushing needs, on real sockets. It is no Grafana. */
export class GrafanaStandIn implements AsyncDisposable {
  readonly state = new StandInState();
  readonly seen: Seen[] = [];
  /** Connections that were opened. */
  connections = 0;
  version: string | undefined = "12.2.0";
  /** Paths that the token has no right to, with what Grafana says. */
  forbidden: RegExp | undefined;
  /** Answers in place of its own, as a proxy or a Grafana that starts would give; the first that there is. */
  readonly instead: ((seen: Seen) => { status: number; text: string; headers?: Record<string, string> } | undefined)[] =
    [];
  /** Runs before a request is answered. */
  before: (seen: Seen) => void = () => {};
  readonly token = "glsa_secret";
  #server = createServer((request, response) => void this.#answer(request, response));
  #base: string;

  private constructor(base: string) {
    this.#base = base;
    this.#server.on("connection", () => this.connections++);
  }

  /** @param base path that it is served under */
  static async start(base = ""): Promise<GrafanaStandIn> {
    const standIn = new GrafanaStandIn(base);
    standIn.#server.listen(0, "127.0.0.1");
    await once(standIn.#server, "listening");
    return standIn;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}${this.#base}`;
  }

  /** What was changed, in order. */
  get writes(): Seen[] {
    return this.seen.filter(({ method }) => method !== "GET");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, "close");
  }

  readonly #routes: readonly (readonly [string, RegExp, Route])[] = [
    [
      "GET",
      /^\/api\/frontend\/settings$/,
      () => ({ status: 200, body: { minRefreshInterval: this.state.minRefreshInterval } }),
    ],
    ["GET", /^\/api\/folders\/([^/]+)$/, ([, uid = ""]) => this.state.folder(uid)],
    ["POST", /^\/api\/folders$/, (_, { body }) => this.state.createFolder(body)],
    ["GET", /^\/api\/dashboards\/uid\/([^/]+)$/, ([, uid = ""]) => this.state.dashboard(uid)],
    ["GET", /^\/api\/dashboards\/uid\/([^/]+)\/versions\?limit=1$/, ([, uid = ""]) => this.state.versions(uid)],
    ["POST", /^\/api\/dashboards\/db$/, (_, { body }) => this.state.saveDashboard(body, "sa-edgewatt")],
    ["GET", /^\/api\/datasources\/uid\/([^/]+)$/, ([, uid = ""]) => this.state.datasource(uid)],
    ["POST", /^\/api\/datasources$/, (_, { body }) => this.state.createDatasource(body)],
    ["PUT", /^\/api\/datasources\/uid\/([^/]+)$/, ([, uid = ""], { body }) => this.state.saveDatasource(uid, body)],
    ["GET", /^\/api\/v1\/provisioning\/alert-rules$/, () => this.state.rules()],
    [
      "GET",
      /^\/api\/v1\/provisioning\/folder\/([^/]+)\/rule-groups\/([^/]+)$/,
      ([, folder = "", name = ""]) => this.state.group(folder, decodeURIComponent(name)),
    ],
    [
      "PUT",
      /^\/api\/v1\/provisioning\/folder\/([^/]+)\/rule-groups\/([^/]+)$/,
      ([, folder = "", name = ""], { body, disablesProvenance }) =>
        this.state.saveGroup(folder, decodeURIComponent(name), body, disablesProvenance),
    ],
    ["GET", /^\/api\/v1\/provisioning\/contact-points$/, () => this.state.contacts()],
    ["POST", /^\/api\/v1\/provisioning\/contact-points$/, (_, { body }) => this.state.saveContact(body)],
    ["PUT", /^\/api\/v1\/provisioning\/contact-points\/[^/]+$/, (_, { body }) => this.state.saveContact(body)],
    ["GET", /^\/api\/v1\/provisioning\/policies$/, () => ({ status: 200, body: this.state.policies })],
    ["PUT", /^\/api\/v1\/provisioning\/policies$/, (_, { body }) => this.state.savePolicies(body)],
  ];

  #reply(seen: Seen, authorization: string | undefined): Reply {
    if (seen.path === "/api/health") {
      return {
        status: 200,
        body: { database: "ok", ...(this.version === undefined ? {} : { version: this.version }) },
      };
    }
    if (authorization !== `Bearer ${this.token}`) return { status: 401, body: { message: "Invalid API key" } };
    if (this.forbidden?.test(`${seen.method} ${seen.path}`) === true) {
      const message = "You'll need additional permissions to perform this action. Permissions needed: folders:create";
      return { status: 403, body: { title: "Access denied", message } };
    }
    for (const [method, path, route] of this.#routes) {
      const match = method === seen.method ? path.exec(seen.path) : null;
      if (match !== null) return route(match, seen);
    }
    return { status: 404, body: { message: "Not found" } };
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = request;
    const body = method === "GET" ? {} : ((await json(request)) as Json);
    const path = url.startsWith(this.#base) ? url.slice(this.#base.length) : "/elsewhere";
    const seen = { method, path, body, disablesProvenance: headers["x-disable-provenance"] === "true" };
    this.seen.push(seen);
    this.before(seen);
    const instead = this.instead.map((one) => one(seen)).find((answer) => answer !== undefined);
    if (instead !== undefined) {
      response.writeHead(instead.status, instead.headers).end(instead.text);
      return;
    }
    const reply = this.#reply(seen, headers.authorization);
    response.writeHead(reply.status, { "content-type": "application/json" }).end(JSON.stringify(reply.body));
  }
}
