import { Agent as HttpAgent, request as httpRequest, type RequestOptions } from "node:http";
import { Agent as HttpsAgent, request as httpsRequest } from "node:https";
import { systemErrorCode } from "@edgewatt/runtime";
import type { Answer } from "./influx-answer.ts";

export interface InfluxHttpOptions {
  /** Base address of the v1 API, with or without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A whole request, to the last byte of its answer. */
  readonly timeoutMs: number;
}

type Body = string | Uint8Array;

/** An answer longer than this is cut: only its beginning says anything. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Faults of a connection that the server closed while it was idle: the request never reached it. */
const STALE_CONNECTION: ReadonlySet<string> = new Set(["ECONNRESET", "EPIPE"]);

/**
 * Posts to an InfluxDB. Each request ends in an answer or an error within the time limit, whatever the server does. Not by `fetch`,
 * which copies each body.
 */
export class InfluxHttp {
  #base: string;
  #headers: Readonly<Record<string, string>>;
  #timeoutMs: number;
  #secure: boolean;
  #agent: HttpAgent;
  #open = new Set<AbortController>();

  constructor({ url, user, password, timeoutMs }: InfluxHttpOptions) {
    const { origin, pathname, protocol, username, password: urlPassword } = new URL(url);
    const [name, secret] = [user ?? decodeURIComponent(username), password ?? decodeURIComponent(urlPassword)];
    this.#base = `${origin}${pathname.replace(/\/$/, "")}`;
    this.#headers = {
      "content-type": "text/plain; charset=utf-8",
      ...(name === "" && secret === ""
        ? {}
        : { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}` }),
    };
    this.#timeoutMs = timeoutMs;
    this.#secure = protocol === "https:";
    this.#agent = new (this.#secure ? HttpsAgent : HttpAgent)({ keepAlive: true });
  }

  /** @throws the system's error, or a TimeoutError; neither holds credentials */
  async post(path: string, query: Readonly<Record<string, string>>, body: Body = ""): Promise<Answer> {
    const url = `${this.#base}${path}?${new URLSearchParams(query).toString()}`;
    const request = new AbortController();
    const { signal } = request;
    const late = new DOMException("the time limit has passed", "TimeoutError");
    const timer = setTimeout(() => request.abort(late), this.#timeoutMs);
    this.#open.add(request);
    try {
      return await this.#send(url, body, signal).catch((error: unknown) => {
        // Writing twice what was written changes nothing, so the request may simply go again, once, on a new connection.
        if (STALE_CONNECTION.has(systemErrorCode(error))) return this.#send(url, body, signal);
        throw error;
      });
    } catch (error) {
      throw signal.aborted ? signal.reason : error;
    } finally {
      clearTimeout(timer);
      this.#open.delete(request);
    }
  }

  /** Ends all requests under way. */
  close(): void {
    for (const request of this.#open) request.abort();
    this.#agent.destroy();
  }

  #send(url: string, body: Body, signal: AbortSignal): Promise<Answer> {
    const options: RequestOptions = { method: "POST", agent: this.#agent, headers: this.#headers, signal };
    return new Promise((resolve, reject) => {
      const request = (this.#secure ? httpsRequest : httpRequest)(url, options, (response) => {
        const chunks: Buffer[] = [];
        let bytes = 0;
        const finish = (): void => {
          const text = Buffer.concat(chunks).toString("utf8", 0, Math.min(bytes, MAX_ANSWER_BYTES));
          resolve({ status: response.statusCode ?? 0, location: response.headers.location ?? null, body: text });
        };
        response.on("data", (chunk: Buffer) => {
          chunks.push(chunk);
          bytes += chunk.byteLength;
          if (bytes < MAX_ANSWER_BYTES) return;
          finish();
          response.destroy();
        });
        response.once("end", finish);
        response.once("error", reject);
      });
      request.once("error", reject);
      request.end(body);
    });
  }
}
