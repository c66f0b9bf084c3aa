import { systemErrorCode, UnreachableError } from "@edgewatt/runtime";

/** The hub answers from its memory; what takes longer than this does not answer. */
const ANSWER_MS = 15_000;

/**
 * A document of the hub's API; `null` where it has none.
 * @param answerMs how long the whole answer may take
 * @throws {UnreachableError} `hub-failed` for an answer that is none, `hub-unreachable` where nobody answers in time
 */
export async function askHub(hubUrl: string, path: string, answerMs = ANSWER_MS): Promise<unknown> {
  const url = new URL(path, hubUrl).href;
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(answerMs) });
    if (response.ok) return await response.json();
    if (response.status === 404) return null;
    throw new UnreachableError(`the hub answers ${response.status} to ${url}: check its log`, {
      code: "hub-failed",
      context: { url },
    });
  } catch (cause) {
    if (cause instanceof UnreachableError) throw cause;
    throw new UnreachableError(
      `cannot read from the hub at ${url} (${reasonOf(cause, answerMs)}): check that it runs and can be reached from here`,
      { code: "hub-unreachable", retryable: true, context: { url }, cause },
    );
  }
}

function reasonOf(cause: unknown, answerMs: number): string {
  if (cause instanceof Error && cause.name === "TimeoutError") return `no answer in ${answerMs / 1000} s`;
  return systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause);
}
