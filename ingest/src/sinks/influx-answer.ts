/** What a server answered to a request of InfluxDB's v1 API. */
export interface Answer {
  readonly status: number;
  /** Where a redirect leads. */
  readonly location: string | null;
  readonly body: string;
}

/** What an answer to a write means; `reason` is the server's own text, one line. */
export type Verdict =
  | { readonly kind: "stored" }
  /** Lines are at fault; `dropped` is how many, where the answer says so. The others may be stored or not. */
  | { readonly kind: "refused"; readonly reason: string; readonly dropped: number | undefined }
  /** The body is larger than the server takes. */
  | { readonly kind: "too-large"; readonly reason: string }
  /** The database does not exist; `creatable` when it is 1.x that says so, where a query can create it. */
  | { readonly kind: "no-database"; readonly reason: string; readonly creatable: boolean }
  | { readonly kind: "unauthorized"; readonly reason: string }
  | { readonly kind: "unavailable"; readonly reason: string }
  /** Whoever answers is no InfluxDB: a login page, a proxy, another service on the port. */
  | { readonly kind: "wrong-server"; readonly reason: string };

const MAX_REASON = 400;

/**
 * Judges the answer to a write. Only 204 says that points are stored. A refusal counts only in the form that InfluxDB gives it,
 * a JSON object with its text: lines must not be set aside because a proxy said 400.
 * InfluxDB 1.8 and 2.7, API reference, "Write data": 204, 400, 401, 403, 404, 413, 422, 429, 500, 503.
 */
export function judge({ status, location, body }: Answer): Verdict {
  const text = errorText(body);
  const reason = shorten(`${status}${text === undefined ? excerpt(body) : `: ${text}`}`);
  if (status === 204) return { kind: "stored" };
  if (status === 401 || status === 403) return { kind: "unauthorized", reason };
  // Whoever refuses the size, a proxy too, takes a smaller part.
  if (status === 413) return { kind: "too-large", reason };
  if (status === 429 || status >= 500) return { kind: "unavailable", reason };
  if (status >= 300 && status < 400) {
    return { kind: "wrong-server", reason: shorten(`${status}, a redirect to ${location ?? "nowhere"}`) };
  }
  if (text === undefined) return { kind: "wrong-server", reason };
  if (status === 400 || status === 422) return { kind: "refused", reason, dropped: droppedLines(text) };
  if (status === 404) return { kind: "no-database", reason, creatable: text.includes("database not found") };
  return { kind: "wrong-server", reason };
}

/** The message in an error of InfluxDB: `error` in 1.x and 3.x, `message` in 2.x. */
function errorText(body: string): string | undefined {
  try {
    const document: unknown = JSON.parse(body);
    if (typeof document !== "object" || document === null) return undefined;
    if ("error" in document && typeof document.error === "string") return document.error;
    if ("message" in document && typeof document.message === "string") return document.message;
  } catch {
    // No JSON: not from InfluxDB.
  }
  return undefined;
}

function droppedLines(text: string): number | undefined {
  const dropped = /dropped=(\d+)/.exec(text)?.[1];
  return dropped === undefined ? undefined : Number(dropped);
}

function excerpt(body: string): string {
  return body.trim() === "" ? "" : `: ${body}`;
}

function shorten(text: string): string {
  return text.replaceAll(/\s+/g, " ").trim().slice(0, MAX_REASON);
}
