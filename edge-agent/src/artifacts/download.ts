import { createWriteStream } from "node:fs";
import { rm, stat } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import type { Artifact } from "@edgewatt/protocol";
import { systemErrorCode, type Clock } from "@edgewatt/runtime";
import { ArtifactError } from "../errors.ts";

export type FileArtifact = Pick<Artifact, "name" | "url" | "sha256" | "bytes" | "kind">;

/** Tries in a row that bring nothing; one that brings some bytes starts the count again. */
const ATTEMPTS = 5;
const RETRY_MS = 500;
/** What the disk of this device says; anything else comes from the network. */
const DISK_ERRORS: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO", "EACCES", "EPERM", "EFBIG"]);

/**
 * Brings a file's bytes into `part`, going on where it ends, through any number of broken connections.
 * @throws {ArtifactError} `artifact-missing`, `artifact-mismatch` (more bytes than announced), `artifact-unreachable`, `artifact-disk`
 */
export async function download(
  artifact: FileArtifact,
  part: string,
  { clock, signal }: { clock: Clock; signal: AbortSignal },
): Promise<void> {
  let most = await sizeOf(part);
  for (let attempt = 1; ; attempt++) {
    signal.throwIfAborted();
    try {
      await downloadRest(artifact, part, signal);
      return;
    } catch (cause) {
      signal.throwIfAborted();
      if (cause instanceof ArtifactError && !cause.retryable) throw cause;
      if (DISK_ERRORS.has(systemErrorCode(cause))) throw await diskFailure(artifact, part, cause);
      const size = await sizeOf(part);
      if (size > most) attempt = 0;
      most = Math.max(most, size);
      if (attempt >= ATTEMPTS) {
        throw new ArtifactError(
          `cannot fetch ${artifact.name} from ${artifact.url}: ${reasonOf(cause)}; check that the hub runs and is reachable from this device`,
          { code: "artifact-unreachable", retryable: true, context: { url: artifact.url }, cause },
        );
      }
      await clock.sleep(RETRY_MS * Math.max(1, attempt), signal);
    }
  }
}

async function downloadRest(artifact: FileArtifact, part: string, signal: AbortSignal): Promise<void> {
  const have = await sizeOf(part);
  if (have === artifact.bytes) return;
  const resume = have > 0 && have < artifact.bytes;
  const response = await fetch(artifact.url, { signal, headers: resume ? { range: `bytes=${have}-` } : {} });
  if (!response.ok || response.body === null) {
    await response.body?.cancel();
    throw new ArtifactError(
      `cannot fetch ${artifact.name}: ${artifact.url} answered HTTP ${response.status}; check that it was uploaded`,
      { code: "artifact-missing", retryable: response.status >= 500, context: { url: artifact.url } },
    );
  }
  const append = response.status === 206;
  if (append && response.headers.get("content-range")?.startsWith(`bytes ${have}-`) !== true) {
    await response.body.cancel();
    await rm(part, { force: true });
    throw new ArtifactError(`${artifact.url} answers with other bytes than those asked for`, {
      code: "artifact-range",
      retryable: true,
    });
  }
  const room = artifact.bytes - (append ? have : 0);
  await pipeline(atMost(room, response.body, artifact), createWriteStream(part, { flags: append ? "a" : "w" }), {
    signal,
  });
  if ((await sizeOf(part)) < artifact.bytes) {
    throw new ArtifactError(`the download of ${artifact.name} ended early`, {
      code: "artifact-short",
      retryable: true,
    });
  }
}

async function* atMost(
  bytes: number,
  body: NonNullable<Response["body"]>,
  { name, sha256 }: FileArtifact,
): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  let left = bytes;
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      left -= read.value.byteLength;
      if (left < 0) {
        throw new ArtifactError(`${name} has more bytes than the command names: publish the file again`, {
          code: "artifact-mismatch",
          context: { sha256 },
        });
      }
      yield read.value;
    }
  } finally {
    await reader.cancel();
  }
}

/** The bytes that came are worth less than the room that they take. */
async function diskFailure({ name }: FileArtifact, part: string, cause: unknown): Promise<ArtifactError> {
  await rm(part, { force: true });
  return new ArtifactError(
    `cannot store ${name} on this device (${systemErrorCode(cause)}): free space on its disk, or lower --cache-mb, and try again`,
    { code: "artifact-disk", context: { file: part }, cause },
  );
}

export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
