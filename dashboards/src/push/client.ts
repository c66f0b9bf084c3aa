import pRetry, { AbortError } from "p-retry";
import type { z } from "zod";
import { systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { GrafanaError } from "./errors.ts";

const TIMEOUT_MS = 30_000;
const RETRIES = 3;
/** Somebody between here and Grafana, or Grafana while it starts: nothing has been done yet. */
const TRANSIENT = new Set([429, 502, 503, 504]);

type Method = "GET" | "POST" | "PUT";

export interface Answer {
  readonly status: number;
  /** What JSON there is in the body. */
  readonly body: unknown;
}

interface Call {
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is attempted, for messages, such as `read the folder edgewatt`. */
  readonly to: string;
  /** Statuses other than 2xx that the caller understands. */
  readonly expect?: readonly number[];
}

export interface GrafanaClient {
  /** Without a slash at its end. */
  readonly url: string;
  /** @throws {GrafanaError} for a status that is not expected @throws {UnreachableError} when nothing answers */
  call(method: Method, path: string, call: Call): Promise<Answer>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

/** What Grafana says is wrong. */
export function messageOf(body: unknown): string {
  const { message } = (body ?? {}) as { message?: unknown };
  return typeof message === "string" && message !== "" ? message.replaceAll(/\s*\n\s*/g, "; ") : "no reason given";
}

/** The body of an answer in the form that Grafana documents. @throws {GrafanaError} for another one */
export function readAs<S extends z.ZodType>(schema: S, { body }: Answer, what: string): z.output<S> {
  const read = schema.safeParse(body);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new GrafanaError(
    `cannot read ${what}: Grafana answers in a form that is not known (${issue?.path.join(".") ?? ""}: ${issue?.message ?? ""}); is a proxy in between?`,
    { code: "refused", context: { what } },
  );
}

function refusal(url: string, { to }: Call, { status, body }: Answer): GrafanaError {
  const context = { url, status };
  const said = messageOf(body);
  if (status === 401) {
    return new GrafanaError(
      `cannot ${to}: ${url} does not accept the token (${said}): make one for a service account under Administration, Users and access`,
      { code: "unauthorized", context },
    );
  }
  if (status === 403) {
    return new GrafanaError(
      `cannot ${to}: the token may not (${said}): dashboards and folders need the role Editor, the data source, alert rules and contact points Admin; --no-alerts leaves those out`,
      { code: "forbidden", context },
    );
  }
  return new GrafanaError(`cannot ${to}: ${url} answers with status ${status}: ${said}`, { code: "refused", context });
}

/** Talks to the HTTP API of one Grafana; connections are kept, and what is transient is tried again. The token is in no message. */
export function createGrafanaClient(address: string, token: string): GrafanaClient {
  const url = address.replace(/\/+$/, "");

  async function once(method: Method, path: string, call: Call): Promise<Answer> {
    const response = await fetch(`${url}${path}`, {
      method,
      // A redirect would turn a POST into a GET.
      redirect: "manual",
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        accept: "application/json",
        authorization: `Bearer ${token}`,
        ...(call.body === undefined ? {} : { "content-type": "application/json" }),
        ...call.headers,
      },
      ...(call.body === undefined ? {} : { body: JSON.stringify(call.body) }),
    });
    const answer = { status: response.status, body: parsed(await response.text()) };
    const location = response.headers.get("location");
    if (location !== null && answer.status >= 300 && answer.status < 400) {
      const target = new URL(location, `${url}${path}`).href.replace(path, "");
      throw new AbortError(
        new GrafanaError(
          `cannot ${call.to}: ${url} sends one on to ${target}: pass that as --grafana, if it is yours`,
          {
            code: "not-grafana",
            context: { url, location: target },
          },
        ),
      );
    }
    return answer;
  }

  async function attempt(method: Method, path: string, call: Call): Promise<Answer> {
    let answer: Answer;
    try {
      answer = await once(method, path, call);
    } catch (cause) {
      if (cause instanceof AbortError) throw cause;
      const { cause: inner, name } = cause as Error;
      const code = systemErrorCode(inner) ?? systemErrorCode(cause) ?? name;
      const why = name === "TimeoutError" ? `no answer within ${TIMEOUT_MS / 1000} s` : code;
      const error = new UnreachableError(
        `cannot ${call.to}: ${url} does not answer (${why}): check --grafana and whether Grafana runs`,
        {
          code: "unreachable",
          context: { url, why },
          cause,
        },
      );
      // What may have been done already is not done again: a dashboard would look as if somebody else had changed it.
      throw method === "POST" && code !== "ECONNREFUSED" ? new AbortError(error) : error;
    }
    if (TRANSIENT.has(answer.status)) throw refusal(url, call, answer);
    return answer;
  }

  return {
    url,
    async call(method, path, call) {
      const answer = await pRetry(() => attempt(method, path, call), {
        retries: RETRIES,
        minTimeout: 250,
        factor: 2,
      });
      const { status } = answer;
      if ((status >= 200 && status < 300) || call.expect?.includes(status) === true) return answer;
      throw refusal(url, call, answer);
    },
  };
}
