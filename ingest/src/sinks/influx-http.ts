import type { Answer } from "./influx-answer.ts";

export interface InfluxHttpOptions {
  /** Base address of the v1 API, with or without user and password. */
  readonly url: string;
  readonly user?: string | undefined;
  readonly password?: string | undefined;
  /** A whole request, to the last byte of its answer. */
  readonly timeoutMs: number;
}

/** An answer longer than this is cut: only its beginning says anything. */
const MAX_ANSWER_BYTES = 64 * 1024;

/** Faults of a connection that the server closed while it was idle: the request never reached it. */
const STALE_CONNECTION: ReadonlySet<unknown> = new Set(["UND_ERR_SOCKET", "ECONNRESET", "EPIPE"]);

/** Posts to an InfluxDB. Each request ends in an answer or an error within the time limit, whatever the server does. */
export class InfluxHttp {
  #base: string;
  #authorization: Readonly<Record<string, string>>;
  #timeoutMs: number;
  #open = new Set<AbortController>();

  constructor({ url, user, password, timeoutMs }: InfluxHttpOptions) {
    const parsed = new URL(url);
    const [name, secret] = [
      user ?? decodeURIComponent(parsed.username),
      password ?? decodeURIComponent(parsed.password),
    ];
    this.#base = `${parsed.origin}${parsed.pathname.replace(/\/$/, "")}`;
    this.#authorization =
      name === "" && secret === ""
        ? {}
        : { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString("base64")}` };
    this.#timeoutMs = timeoutMs;
  }

  /** @throws the system's or the client's error, or a TimeoutError; none of them holds credentials */
  async post(
    path: string,
    query: Readonly<Record<string, string>>,
    body: string | Uint8Array<ArrayBuffer> = "",
  ): Promise<Answer> {
    const url = `${this.#base}${path}?${new URLSearchParams(query).toString()}`;
    const request = new AbortController();
    const timer = setTimeout(
      () => request.abort(new DOMException("the time limit has passed", "TimeoutError")),
      this.#timeoutMs,
    );
    this.#open.add(request);
    try {
      return await this.#request(url, body, request.signal).catch((error: unknown) => {
        // Writing twice what was written changes nothing, so the request may simply go again, once, on a new connection.
        if (STALE_CONNECTION.has(codeOf(error))) return this.#request(url, body, request.signal);
        throw error;
      });
    } finally {
      clearTimeout(timer);
      this.#open.delete(request);
    }
  }

  /** Ends all requests under way. */
  close(): void {
    for (const request of this.#open) request.abort();
  }

  async #request(url: string, body: string | Uint8Array<ArrayBuffer>, signal: AbortSignal): Promise<Answer> {
    const headers = { ...this.#authorization, "content-type": "text/plain; charset=utf-8" };
    // A redirect is for people; followed, it would end on a page that answers 200.
    const response = await fetch(url, { method: "POST", headers, body, signal, redirect: "manual" });
    return {
      status: response.status,
      location: response.headers.get("location"),
      body: await readBeginning(response),
    };
  }
}

async function readBeginning(response: Response): Promise<string> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    chunks.push(chunk as Uint8Array);
    bytes += (chunk as Uint8Array).byteLength;
    if (bytes >= MAX_ANSWER_BYTES) break;
  }
  return Buffer.concat(chunks).subarray(0, MAX_ANSWER_BYTES).toString("utf8");
}

/** The code of what went wrong on the wire; `fetch` hides it in the cause of its TypeError. */
export function codeOf(error: unknown): string | undefined {
  for (let at = error; at instanceof Error; at = at.cause) {
    if ("code" in at && typeof at.code === "string") return at.code;
  }
  return undefined;
}
