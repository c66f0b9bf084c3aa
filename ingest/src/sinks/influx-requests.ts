import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { InfluxDB } from "influx";
import { systemErrorCode } from "@edgewatt/runtime";
import type { Answer } from "./influx-answer.ts";
import { Exchange } from "./influx-exchange.ts";

export interface InfluxOptions {
  /** Base address of the v1 API, with or without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A whole request, to the last byte of its answer. */
  readonly timeoutMs: number;
}

/** Faults of a connection that the server closed while it was idle: the request never reached it. */
const STALE_CONNECTION: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

type Run = (client: InfluxDB) => Promise<unknown>;

/**
 * Requests of the `influx` client, each of which ends in the server's answer or in an error within the time limit. The client's own
 * promise does not do: it takes every status below 300 for success, hides the body of a fault of the server, holds credentials in its
 * errors, and never settles when the server dies within an answer. So the answer is read beside it, from the request that it sends.
 */
export class InfluxRequests {
  readonly #options: InfluxOptions;
  readonly #agent: HttpAgent;
  readonly #open = new Set<Exchange>();
  #client: InfluxDB;

  constructor(options: InfluxOptions) {
    this.#options = options;
    const secure = new URL(options.url).protocol === "https:";
    this.#agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true });
    this.#client = this.#connect();
  }

  /**
   * @param run makes one call of the client, which sends one request
   * @throws the system's error, or a TimeoutError; neither holds credentials
   */
  async ask(run: Run): Promise<Answer> {
    try {
      return await this.#answer(run);
    } catch (error) {
      // Writing twice what was written changes nothing, so the request may simply go again, once, on a new connection.
      if (STALE_CONNECTION.has(systemErrorCode(error))) return this.#answer(run);
      throw error;
    }
  }

  /** Ends all requests under way. */
  close(): void {
    for (const exchange of this.#open) exchange.end(new DOMException("the sink was closed", "AbortError"));
    this.#agent.destroy();
  }

  async #answer(run: Run): Promise<Answer> {
    const client = this.#client;
    const exchange = new Exchange();
    this.#open.add(exchange);
    const timer = setTimeout(
      () => exchange.end(new DOMException("the time limit has passed", "TimeoutError")),
      this.#options.timeoutMs,
    );
    try {
      const answer = await exchange.answerTo(() => run(client));
      if (answer.status >= 500) this.#renew(client);
      return answer;
    } catch (error) {
      this.#renew(client);
      throw error;
    } finally {
      clearTimeout(timer);
      this.#open.delete(exchange);
    }
  }

  /** After a fault the client would refuse to send anything for a while. */
  #renew(failed: InfluxDB): void {
    if (failed === this.#client) this.#client = this.#connect();
  }

  #connect(): InfluxDB {
    const { url, user, password, timeoutMs } = this.#options;
    const { protocol, hostname, port, pathname, username, password: urlPassword } = new URL(url);
    const secure = protocol === "https:";
    return new InfluxDB({
      protocol: secure ? "https" : "http",
      host: hostname,
      port: port === "" ? (secure ? 443 : 80) : Number(port),
      path: pathname === "/" ? "" : pathname.replace(/\/$/, ""),
      username: user ?? decodeURIComponent(username),
      password: password ?? decodeURIComponent(urlPassword),
      options: { agent: this.#agent },
      pool: { maxRetries: 0, requestTimeout: timeoutMs },
    });
  }
}
