import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import type { Artifact } from "@edgewatt/protocol";
import { FileError, systemErrorCode, UnreachableError } from "@edgewatt/runtime";

type ResultFile = Pick<Artifact, "url" | "sha256">;

/**
 * The bytes of a file that a job made, from the hub or from the agent's folder on this machine.
 * @throws {UnreachableError} code `result-unreachable` when it cannot be read from here; `result-damaged`, at its end, when it is another
 */
async function* bytesOf({ url, sha256 }: ResultFile, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const hash = createHash("sha256");
  try {
    for await (const chunk of await open(url, signal)) {
      hash.update(chunk as Uint8Array);
      yield chunk as Uint8Array;
    }
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnreachableError) throw cause;
    throw unreachable(url, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
  if (hash.digest("hex") === sha256) return;
  throw new UnreachableError(`the result at ${url} is not the one that the job made: run the job again`, {
    code: "result-damaged",
    context: { url, sha256 },
  });
}

async function open(url: string, signal: AbortSignal): Promise<AsyncIterable<unknown>> {
  if (url.startsWith("file:")) return createReadStream(fileURLToPath(url), { signal });
  const response = await fetch(url, { signal });
  if (!response.ok || response.body === null) throw unreachable(url, `it answers ${response.status}`);
  return response.body;
}

/** A file that a job made, in memory. @throws {UnreachableError} */
export async function readResultFile(file: ResultFile, signal: AbortSignal): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of bytesOf(file, signal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Writes a file that a job made to `target`. @throws {UnreachableError | FileError}; what is at `target` then is worth nothing */
export async function saveResultFile(file: ResultFile, target: string, signal: AbortSignal): Promise<void> {
  try {
    await pipeline(Readable.from(bytesOf(file, signal)), createWriteStream(target));
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnreachableError) throw cause;
    throw new FileError(`cannot write ${target} (${systemErrorCode(cause)}): make room or the folder writable`, {
      code: "write-failed",
      context: { target },
      cause,
    });
  }
}

function unreachable(url: string, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `the job succeeded, but its result at ${url} cannot be read from here (${why}): run a hub that this machine and the device reach, and the job again`,
    { code: "result-unreachable", context: { url }, cause },
  );
}
