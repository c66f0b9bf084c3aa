import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import type { Artifact } from "@edgewatt/protocol";
import { systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import type { z } from "zod";

/**
 * A job's result, the whole of it: what the state of the job holds, or the file that it names where the result was too long for a message.
 * @throws {UnreachableError} code `result-unreachable` when that file cannot be read from here, `result-damaged` when it is another
 */
export async function wholeResult<R extends { full?: Artifact | undefined }>(
  schema: z.ZodType<R>,
  result: unknown,
  signal: AbortSignal,
): Promise<R> {
  const told = schema.parse(result);
  if (told.full === undefined) return told;
  const { url, sha256 } = told.full;
  const bytes = await read(url, signal);
  if (createHash("sha256").update(bytes).digest("hex") === sha256) return schema.parse(JSON.parse(bytes.toString()));
  throw new UnreachableError(`the result at ${url} is not the one that the job made: run the job again`, {
    code: "result-damaged",
    context: { url, sha256 },
  });
}

async function read(url: string, signal: AbortSignal): Promise<Buffer> {
  try {
    if (url.startsWith("file:")) return await readFile(fileURLToPath(url));
    const response = await fetch(url, { signal });
    if (response.ok) return Buffer.from(await response.arrayBuffer());
    throw unreachable(url, `it answers ${response.status}`);
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnreachableError) throw cause;
    throw unreachable(url, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
}

function unreachable(url: string, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `the job succeeded, but its result at ${url} cannot be read from here (${why}): run a hub that this machine and the device reach, and the job again`,
    { code: "result-unreachable", context: { url }, cause },
  );
}
