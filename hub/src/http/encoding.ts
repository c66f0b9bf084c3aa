/** How a body may be sent; the first is the smallest. */
export const ENCODINGS = ["br", "gzip", "identity"] as const;
export type Encoding = (typeof ENCODINGS)[number];

/**
 * The smallest encoding of those the client takes most gladly (RFC 9110, 12.5.3). One that takes nothing we have gets the plain body, which
 * every client can read.
 * @param accepted the request's `Accept-Encoding`; absent, only the plain body is sent
 */
export function chooseEncoding(accepted: string | undefined, available: readonly Encoding[] = ENCODINGS): Encoding {
  const weights = new Map<string, number>();
  for (const part of (accepted ?? "").toLowerCase().split(",")) {
    const [name = "", ...parameters] = part.split(";").map((word) => word.trim());
    const weight = parameters.find((parameter) => parameter.startsWith("q="));
    if (name !== "") weights.set(name, weight === undefined ? 1 : Number(weight.slice(2)) || 0);
  }
  const weightOf = (encoding: Encoding): number =>
    weights.get(encoding) ?? (encoding === "identity" ? 0 : (weights.get("*") ?? 0));
  let best: Encoding = "identity";
  for (const encoding of ENCODINGS) {
    if (available.includes(encoding) && weightOf(encoding) > weightOf(best)) best = encoding;
  }
  return best;
}

/** Whether `If-None-Match` names the version that would be sent. */
export function isKnownVersion(ifNoneMatch: string | undefined, etag: string): boolean {
  const known = new Set((ifNoneMatch ?? "").split(",").map((tag) => tag.trim().replace(/^W\//, "")));
  return known.has("*") || known.has(etag);
}
