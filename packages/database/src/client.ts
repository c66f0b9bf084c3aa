import { UnreachableError, systemErrorCode } from "@edgewatt/runtime";
import { parseAnswer, type Answer, type Series } from "./answer.ts";
import { DatabaseError } from "./errors.ts";

/** The database's fixed name. */
export const DATABASE = "edgewatt";

export interface DatabaseAccess {
  /** Base address of the v1 API, with or without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** How a command is told another user, for the message that this one may not. */
  readonly userAdvice?: string | undefined;
  /** Aborts what is under way. */
  readonly signal?: AbortSignal | undefined;
}

export interface WriteTarget {
  readonly precision: "ns" | "u" | "s";
  /** Default: the database's default policy. */
  readonly policy?: string | undefined;
}

/** An answer to a write that is not a success, in the server's words. */
export interface WriteRefusal {
  readonly status: number;
  readonly message: string;
}

/** What answers: `1.6.7~rc0`, `v2.7.1`; `undefined` where it does not say. */
export interface ServerVersion {
  readonly text: string | undefined;
  readonly major: number | undefined;
}

/**
 * InfluxDB's v1 API over HTTP. Every call throws UnreachableError where nobody answers and DatabaseError for a refusal;
 * neither holds a password.
 */
export class DatabaseClient {
  readonly #base: URL;
  readonly #authorization: string | undefined;
  readonly #userAdvice: string;
  readonly #signal: AbortSignal | undefined;

  constructor({ url, user, password, userAdvice, signal }: DatabaseAccess) {
    this.#base = new URL(url);
    const name = user ?? decodeURIComponent(this.#base.username);
    const secret = password ?? decodeURIComponent(this.#base.password);
    this.#base.username = "";
    this.#base.password = "";
    this.#authorization = name === "" ? undefined : `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}`;
    this.#userAdvice = userAdvice ?? "--influx-user, and EDGEWATT_INFLUX_PASSWORD";
    this.#signal = signal;
  }

  /** Without user and password. */
  get address(): string {
    return this.#base.href.replace(/\/$/, "");
  }

  async version(): Promise<ServerVersion> {
    const response = await this.#send("ping", {});
    await response.arrayBuffer();
    const version = response.headers.get("x-influxdb-version") ?? undefined;
    const major = /^v?(\d+)\./.exec(version ?? "")?.[1];
    return { text: version, major: major === undefined ? undefined : Number(major) };
  }

  /** The tables of each statement. Times are ISO text unless `epoch` says which unit. */
  async query(q: string, options: { epoch?: "ns" | "s" } = {}): Promise<readonly (readonly Series[])[]> {
    const response = await this.#send("query", { method: "POST", body: form({ q, ...options }) });
    return this.#check(q, response.status, await this.#textOf(response)).results;
  }

  /** The tables of one statement as they come, `rowsPerTable` rows at a time, times in ns: memory does not grow with the answer. */
  async *stream(q: string, rowsPerTable: number): AsyncGenerator<Series> {
    const body = form({ q, epoch: "ns", chunked: "true", chunk_size: String(rowsPerTable) });
    const response = await this.#send("query", { method: "POST", body });
    for await (const line of this.#linesOf(response)) {
      yield* this.#check(q, response.status, line).results.flat();
    }
  }

  /** Writes lines; `undefined` when all of them are stored. @throws {DatabaseError} `unauthorized`, `no-database`, `failed` */
  async write(lines: string, { precision, policy }: WriteTarget): Promise<WriteRefusal | undefined> {
    const target = new URLSearchParams({ db: DATABASE, precision, ...(policy === undefined ? {} : { rp: policy }) });
    const response = await this.#send(`write?${target.toString()}`, { method: "POST", body: lines }).catch(ofGarbage);
    if (!(response instanceof Response)) return response;
    const { status } = response;
    const body = await this.#textOf(response);
    if (status === 204) return undefined;
    const message = errorIn(body) ?? `it answers ${status}`;
    if (status === 400 || status === 413 || status === 422) return { status, message };
    throw this.#refusal(status, message, "a write");
  }

  #check(q: string, status: number, body: string): Answer {
    let answer: Answer;
    try {
      answer = parseAnswer(body);
    } catch {
      throw this.#refusal(status, `its answer (${status}) is not that of an InfluxDB`, q);
    }
    if (answer.error !== undefined) throw this.#refusal(status, answer.error, q);
    if (status >= 300) throw this.#refusal(status, `it answers ${status}`, q);
    return answer;
  }

  #refusal(status: number, message: string, what: string): DatabaseError {
    const context = { address: this.address, status };
    const who = `InfluxDB at ${this.address}`;
    if (status === 401 || status === 403) {
      return new DatabaseError(`${who} refuses: ${message}; name a user that may with ${this.#userAdvice}`, {
        code: "unauthorized",
        context,
      });
    }
    if (message.includes("database not found") || status === 404) {
      return new DatabaseError(`${who} refuses: ${message}; create the database with \`edgewatt database setup\``, {
        code: "no-database",
        context,
      });
    }
    if (message.includes("retention policy not found")) {
      return new DatabaseError(`${who} refuses: ${message}; \`edgewatt database show\` lists those that it has`, {
        code: "no-policy",
        context,
      });
    }
    const server = status >= 500;
    return new DatabaseError(`${who} refuses ${withoutSecrets(what)}: ${message}`, {
      code: server ? "failed" : "refused",
      retryable: server,
      context,
    });
  }

  async #send(path: string, init: RequestInit): Promise<Response> {
    const url = new URL(path, this.#base.href.endsWith("/") ? this.#base.href : `${this.#base.href}/`);
    return this.#reached(() =>
      fetch(url, {
        ...init,
        redirect: "manual",
        headers: {
          // To pack its answer would cost the database more than a local network saves.
          "accept-encoding": "identity",
          ...(this.#authorization === undefined ? {} : { authorization: this.#authorization }),
        },
        ...(this.#signal === undefined ? {} : { signal: this.#signal }),
      }),
    );
  }

  #textOf(response: Response): Promise<string> {
    return this.#reached(() => response.text());
  }

  async *#linesOf(response: Response): AsyncGenerator<string> {
    const decoder = new TextDecoder();
    const reader = response.body?.getReader();
    // A line has many parts: joined once, at its end.
    let open: string[] = [];
    try {
      for (;;) {
        const part = await this.#reached(async () => reader?.read());
        const [first = "", ...others] = decoder.decode(part?.value, { stream: part?.done === false }).split("\n");
        open.push(first);
        for (const next of others) {
          const line = open.join("");
          open = [next];
          if (line !== "") yield line;
        }
        if (part?.done !== false) break;
      }
      if (open.join("") !== "") yield open.join("");
    } finally {
      await reader?.cancel().catch(() => {});
    }
  }

  async #reached<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (cause) {
      this.#signal?.throwIfAborted();
      const reason = systemErrorCode(causeOf(cause));
      throw new UnreachableError(
        `InfluxDB at ${this.address} cannot be reached (${reason}): check the address and that it runs`,
        { code: "database-unreachable", retryable: true, context: { address: this.address }, cause },
      );
    }
  }
}

/** InfluxDB repeats a line that it cannot parse in a header of its answer, where some bytes may not stand. */
function ofGarbage(error: unknown): WriteRefusal {
  const cause = error instanceof UnreachableError ? causeOf(error.cause) : undefined;
  // Its code is not there in every version of Node.js.
  if (!(cause instanceof Error) || cause.name !== "HTTPParserError") throw error;
  return { status: 400, message: "unable to parse: control characters in it spoil the database's own words" };
}

function causeOf(error: unknown): unknown {
  return error instanceof Error ? (error.cause ?? error) : error;
}

function form(fields: Readonly<Record<string, string>>): URLSearchParams {
  return new URLSearchParams({ db: DATABASE, ...fields });
}

function errorIn(body: string): string | undefined {
  try {
    const { error, message } = JSON.parse(body) as { error?: string; message?: string };
    return error ?? message;
  } catch {
    return body.trim() === "" ? undefined : body.trim().slice(0, 200);
  }
}

/** A statement for people: passwords are in quotes behind one of two words. */
export function withoutSecrets(statement: string): string {
  return statement.replaceAll(/(WITH PASSWORD|SET PASSWORD FOR "[^"]*" =) '(?:[^'\\]|\\.)*'/g, "$1 '…'");
}
