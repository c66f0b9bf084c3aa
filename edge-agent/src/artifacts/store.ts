import { createWriteStream } from "node:fs";
import { createHash } from "node:crypto";
import { readFile, rename, rm, stat, symlink } from "node:fs/promises";
import { pipeline } from "node:stream/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Artifact } from "@edgewatt/protocol";
import { sha256File, writeFileAtomic, type Clock } from "@edgewatt/runtime";
import { ArtifactError } from "../errors.ts";
import type { ArtifactCache } from "./cache.ts";

const ATTEMPTS = 5;
const RETRY_MS = 500;

type FileArtifact = Pick<Artifact, "name" | "url" | "sha256" | "bytes" | "kind">;

/** Brings the files of jobs to this device and their results away; every file is checked by size and digest. */
export class ArtifactStore {
  readonly #cache: ArtifactCache;
  readonly #clock: Clock;

  constructor(cache: ArtifactCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /**
   * A local path with the artifact's bytes: the file itself for a `file:` URL, else one in the cache, downloaded when it is
   * not there; an interrupted download goes on where it stopped.
   * @param keep digests of files that must not make room for this one
   * @throws {ArtifactError} `artifact-missing`, `artifact-mismatch`, `artifact-unreachable`
   */
  async fetch(artifact: FileArtifact, keep: ReadonlySet<string>, signal: AbortSignal): Promise<string> {
    if (artifact.url.startsWith("file:")) {
      const file = fileURLToPath(artifact.url);
      await check(file, artifact);
      return file;
    }
    const cached = await this.#cache.find(artifact.sha256);
    if (cached !== undefined) return named(cached, artifact);
    await this.#cache.makeRoom(artifact.bytes, keep);
    const target = this.#cache.pathOf(artifact.sha256);
    const part = `${target}.part`;
    await this.#download(artifact, part, signal);
    try {
      await check(part, artifact);
    } catch (error) {
      await rm(part, { force: true });
      throw error;
    }
    await rename(part, target);
    return named(target, artifact);
  }

  async #download(artifact: FileArtifact, part: string, signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      signal.throwIfAborted();
      try {
        await downloadRest(artifact, part, signal);
        return;
      } catch (cause) {
        signal.throwIfAborted();
        if (cause instanceof ArtifactError && !cause.retryable) throw cause;
        if (attempt === ATTEMPTS) {
          throw new ArtifactError(
            `cannot fetch ${artifact.name} from ${artifact.url}: ${reasonOf(cause)}; check that the hub runs and is reachable from this device`,
            { code: "artifact-unreachable", retryable: true, context: { url: artifact.url }, cause },
          );
        }
        await this.#clock.sleep(RETRY_MS * attempt, signal);
      }
    }
  }

  /** Keeps a text that this device made as a file in the cache, and at the hub where `upload` says. @throws {ArtifactError} `upload-failed` */
  async keep<K extends Artifact["kind"]>(
    text: string,
    { name, kind }: { name: string; kind: K },
    { upload, signal }: { upload: string | undefined; signal: AbortSignal },
  ): Promise<Artifact & { kind: K }> {
    const bytes = Buffer.byteLength(text);
    const sha256 = createHash("sha256").update(text).digest("hex");
    const file = this.#cache.pathOf(sha256);
    await this.#cache.makeRoom(bytes, new Set());
    await writeFileAtomic(file, text);
    const url = upload === undefined ? pathToFileURL(file).href : await this.upload(file, sha256, upload, signal);
    return { name, kind, url, sha256, bytes };
  }

  /** Stores a file under `<base>/<sha256>`. Returns its URL. @throws {ArtifactError} `upload-failed` */
  async upload(file: string, sha256: string, base: string, signal: AbortSignal): Promise<string> {
    const url = `${base.replace(/\/$/, "")}/${sha256}`;
    const body = await readFile(file);
    let problem: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const headers = { "content-type": "application/octet-stream" };
        const response = await fetch(url, { method: "PUT", body, headers, signal });
        await response.arrayBuffer();
        if (response.ok) return url;
        problem = `HTTP ${response.status}`;
        if (response.status < 500) break;
      } catch (cause) {
        signal.throwIfAborted();
        problem = cause;
      }
      if (attempt < ATTEMPTS) await this.#clock.sleep(RETRY_MS * attempt, signal);
    }
    throw new ArtifactError(`cannot store a result at ${url}: ${reasonOf(problem)}; check the hub`, {
      code: "upload-failed",
      retryable: true,
      context: { url },
      cause: problem,
    });
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
  const flags = resume && response.status === 206 ? "a" : "w";
  await pipeline(chunksOf(response.body), createWriteStream(part, { flags }), { signal });
  if ((await sizeOf(part)) < artifact.bytes) {
    throw new ArtifactError(`the download of ${artifact.name} ended early`, {
      code: "artifact-short",
      retryable: true,
    });
  }
}

/** Readers know an array by its name, and files in the cache have none. */
async function named(file: string, { kind }: FileArtifact): Promise<string> {
  if (kind !== "npy") return file;
  const link = `${file}.npy`;
  await rm(link, { force: true });
  await symlink(file, link);
  return link;
}

async function* chunksOf(body: NonNullable<Response["body"]>): AsyncGenerator<Uint8Array> {
  const reader = body.getReader();
  try {
    for (let part = await reader.read(); !part.done; part = await reader.read()) yield part.value;
  } finally {
    await reader.cancel();
  }
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch {
    return 0;
  }
}

async function check(file: string, { name, sha256, bytes }: FileArtifact): Promise<void> {
  const size = await sizeOf(file);
  if (size === 0) {
    throw new ArtifactError(`${name} is not at ${file}: check the path of the file`, {
      code: "artifact-missing",
      context: { file },
    });
  }
  if (size === bytes && (await sha256File(file)) === sha256) return;
  throw new ArtifactError(
    `${name} is not what the command names: ${size} bytes instead of ${bytes}, or another digest than ${sha256}; publish the file again`,
    { code: "artifact-mismatch", context: { file, sha256 } },
  );
}

function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message : error.message;
}
