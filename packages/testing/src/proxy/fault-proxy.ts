import { once } from "node:events";
import { connect, createServer, type Server, type Socket } from "node:net";
import { TestingError } from "../errors.ts";
import { eventually } from "../eventually.ts";
import type { LinkCondition } from "./condition.ts";
import { startFlow } from "./flow.ts";
import { reset } from "./reset.ts";

export interface FaultProxyOptions {
  readonly target: { readonly host: string; readonly port: number };
  /** Default: a free one. */
  readonly port?: number;
  /** Spreads the jitter; a number in [0, 1). Default: `Math.random`. */
  readonly random?: () => number;
  /** Hears what clients send, before any fault; connections are numbered in order. */
  readonly onSent?: (connection: number, bytes: Buffer) => void;
}

interface Connection {
  readonly sockets: readonly [client: Socket, target: Socket];
}

const HOST = "127.0.0.1";

/** A TCP link on loopback that can be made to fail, in several ways at once, while connections are on it. */
export class FaultProxy {
  readonly #options: FaultProxyOptions;
  readonly #connections = new Set<Connection>();
  readonly #waiting = new Set<() => void>();
  #server: Server | undefined;
  #port = 0;
  #accepted = 0;
  #condition: LinkCondition = {};

  private constructor(options: FaultProxyOptions) {
    this.#options = options;
  }

  static async start(options: FaultProxyOptions): Promise<FaultProxy> {
    const proxy = new FaultProxy(options);
    await proxy.#listen(options.port ?? 0);
    return proxy;
  }

  /** On loopback; it stays the same for the proxy's life. */
  get port(): number {
    return this.#port;
  }

  /** Connections that clients have made and neither side has left. */
  get connections(): number {
    return this.#connections.size;
  }

  get condition(): LinkCondition {
    return this.#condition;
  }

  /** Puts this in the place of whatever was wrong before; `{}` lifts it all. Resolves when it holds. */
  async set(condition: LinkCondition): Promise<void> {
    this.#condition = condition;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
    if (condition.refuse === true) this.#stopListening();
    else if (this.#server === undefined) await this.#listen(this.#port);
  }

  /** Ends all connections on both sides: at once as a crash does (RST), or as a close does (FIN). */
  cut(how: "rst" | "fin" = "rst"): void {
    for (const { sockets } of this.#connections) {
      for (const socket of sockets) {
        if (how === "rst") reset(socket);
        else socket.end();
      }
    }
  }

  async close(): Promise<void> {
    this.#stopListening();
    for (const { sockets } of this.#connections) for (const socket of sockets) socket.destroy();
    await this.set({ refuse: true });
  }

  async #listen(port: number): Promise<void> {
    // Someone may have taken the port while nobody listened.
    await eventually(async () => {
      const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) => this.#accept(client));
      server.listen(port, HOST);
      await once(server, "listening");
      const address = server.address();
      if (address === null || typeof address === "string") throw new TestingError("no port", { code: "not-ready" });
      this.#server = server;
      this.#port = address.port;
    });
  }

  #stopListening(): void {
    this.#server?.close();
    this.#server = undefined;
  }

  #accept(client: Socket): void {
    const target = connect({ ...this.#options.target, noDelay: true, allowHalfOpen: true });
    const connection: Connection = { sockets: [client, target] };
    this.#connections.add(connection);
    const number = ++this.#accepted;
    client.on("data", (bytes: Buffer) => this.#options.onSent?.(number, bytes));
    const common = {
      condition: () => this.#condition,
      changed: () => new Promise<void>((resolve) => this.#waiting.add(resolve)),
      random: this.#options.random ?? Math.random,
    };
    startFlow({ ...common, from: client, to: target, direction: "up" });
    startFlow({ ...common, from: target, to: client, direction: "down" });
    for (const socket of connection.sockets) {
      socket.once("close", () => {
        if (client.destroyed && target.destroyed) this.#connections.delete(connection);
      });
    }
  }
}
