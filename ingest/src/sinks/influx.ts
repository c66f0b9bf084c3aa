import { Agent as HttpAgent } from "node:http";
import { Agent as HttpsAgent } from "node:https";
import { InfluxDB } from "influx";
import type { Clock } from "@edgewatt/runtime";
import { SinkError } from "../errors.ts";
import type { Line } from "@edgewatt/database";
import type { Refusal, Sink } from "./sink.ts";

/** The database's fixed name. */
const DATABASE = "edgewatt";

/** What InfluxDB answers when lines are at fault (422: 2.x), or their number (413); any other answer is about the server. */
const REFUSALS: ReadonlySet<number> = new Set([400, 413, 422]);

export interface InfluxOptions {
  /** Base address of the v1 API, with or without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** After this long without an answer a write counts as not stored. */
  readonly timeoutMs: number;
  readonly clock: Clock;
}

interface Answer {
  readonly status: number;
  readonly message: string;
}

/** The library's RequestError holds the Authorization header: nothing but its status and message leaves this file. */
function answerOf(error: unknown): Answer | undefined {
  if (!(error instanceof Error) || !("res" in error)) return undefined;
  const { statusCode } = error.res as { statusCode?: number };
  return statusCode === undefined ? undefined : { status: statusCode, message: error.message };
}

/** How many lines of a write the answer calls dropped. */
function droppedLines(answer: Answer): number | undefined {
  const dropped = /dropped=(\d+)/.exec(answer.message)?.[1];
  return dropped === undefined ? undefined : Number(dropped);
}

/** InfluxDB through its v1 write API, so 1.x, 2.x with a DBRP mapping, and 3.x. */
export class InfluxSink implements Sink {
  #options: InfluxOptions;
  #address: string;
  #client: InfluxDB;
  #agent: HttpAgent;

  constructor(options: InfluxOptions) {
    this.#options = options;
    this.#address = new URL(options.url).origin;
    ({ client: this.#client, agent: this.#agent } = this.#connect());
  }

  async write(lines: readonly Line[]): Promise<readonly Refusal[]> {
    let answer = await this.#post(lines);
    if (answer?.status === 404) {
      await this.#createDatabase(answer);
      answer = await this.#post(lines);
    }
    if (answer === undefined) return [];
    if (answer.status === 404)
      throw this.#notStored("no-database", answer.message, `create the database "${DATABASE}"`);
    if (answer.status === 401 || answer.status === 403)
      throw this.#notStored("unauthorized", answer.message, "give its user WRITE on the database");
    if (!REFUSALS.has(answer.status)) {
      const advice = "it will be tried again; if it stays so, check that the address is that of an InfluxDB";
      throw this.#notStored("unavailable", answer.message, advice);
    }
    // The rest of the write is stored, and writing it again changes nothing: halving finds exactly the lines at fault.
    if (lines.length > 1 && droppedLines(answer) !== lines.length) {
      const middle = lines.length >> 1;
      return [...(await this.write(lines.slice(0, middle))), ...(await this.write(lines.slice(middle)))];
    }
    return [{ reason: answer.message, lines }];
  }

  async close(): Promise<void> {
    this.#agent.destroy();
  }

  async #post(lines: readonly Line[]): Promise<Answer | undefined> {
    // The library writes a point's measurement as it is, so one "point" carries lines that are already encoded: its own
    // encoder does not sort tags, and mistakes a backslash before an apostrophe.
    const points = [{ measurement: lines.join("\n"), tags: {}, fields: {} }];
    return this.#call((client) => client.writePoints(points, { database: DATABASE, precision: "u" }));
  }

  async #createDatabase(missing: Answer): Promise<void> {
    if (!missing.message.includes("database not found")) {
      throw this.#notStored("no-database", missing.message, "check that the address is that of an InfluxDB");
    }
    const refused = await this.#call((client) => client.createDatabase(DATABASE));
    if (refused)
      throw this.#notStored(
        "no-database",
        refused.message,
        `create the database "${DATABASE}" and grant its user WRITE`,
      );
  }

  /** `undefined` when the call succeeded, else the server's refusal. @throws {SinkError} code `unavailable` without one */
  async #call(run: (client: InfluxDB) => Promise<unknown>): Promise<Answer | undefined> {
    const { clock, timeoutMs } = this.#options;
    const client = this.#client;
    const timer = new AbortController();
    // When the server dies in the middle of an answer, the library's promise never settles.
    const timeout = clock.sleep(timeoutMs, timer.signal).then(
      () => {
        throw this.#notStored("unavailable", `no answer within ${timeoutMs} ms`, "it will be tried again");
      },
      () => undefined,
    );
    try {
      await Promise.race([run(client), timeout]);
      return undefined;
    } catch (error) {
      const answer = answerOf(error);
      if (answer) return answer;
      this.#reconnect(client);
      throw error instanceof SinkError
        ? error
        : this.#notStored("unavailable", (error as Error).message, "it will be tried again", error);
    } finally {
      timer.abort();
    }
  }

  /** After a fault the library's only host is disabled for a while and sockets may hang: a new client has neither. */
  #reconnect(failed: InfluxDB): void {
    if (failed !== this.#client) return;
    this.#agent.destroy();
    ({ client: this.#client, agent: this.#agent } = this.#connect());
  }

  #connect(): { client: InfluxDB; agent: HttpAgent } {
    const { url, user, password, timeoutMs } = this.#options;
    const { protocol, hostname, port, pathname, username, password: urlPassword } = new URL(url);
    const secure = protocol === "https:";
    const agent = new (secure ? HttpsAgent : HttpAgent)({ keepAlive: true });
    const client = new InfluxDB({
      protocol: secure ? "https" : "http",
      host: hostname,
      port: port === "" ? (secure ? 443 : 80) : Number(port),
      path: pathname === "/" ? "" : pathname.replace(/\/$/, ""),
      username: user ?? decodeURIComponent(username),
      password: password ?? decodeURIComponent(urlPassword),
      database: DATABASE,
      options: { agent },
      pool: { maxRetries: 0, requestTimeout: timeoutMs },
    });
    return { client, agent };
  }

  #notStored(code: string, reason: string, advice: string, cause?: unknown): SinkError {
    return new SinkError(`InfluxDB at ${this.#address} has not stored a write (${reason.trim()}): ${advice}`, {
      code,
      retryable: true,
      context: { address: this.#address },
      // The library's errors for refusals carry credentials, so only errors of the system are kept as a cause.
      ...(cause instanceof Error && "code" in cause ? { cause } : {}),
    });
  }
}
