import { createHash } from "node:crypto";
import { rename, rm, symlink } from "node:fs/promises";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Artifact } from "@edgewatt/protocol";
import { putFile, sha256File, writeFileAtomic, type Clock } from "@edgewatt/runtime";
import { ArtifactError } from "../errors.ts";
import type { ArtifactCache } from "./cache.ts";
import { download, reasonOf, sizeOf, type FileArtifact } from "./download.ts";

const ATTEMPTS = 5;
const RETRY_MS = 500;
const INSUFFICIENT_STORAGE = 507;

/** Brings the files of jobs to this device and their results away; every file is checked by size and digest. */
export class ArtifactStore {
  readonly #cache: ArtifactCache;
  readonly #clock: Clock;
  /** Files that are being fetched: two at once would write into one. */
  readonly #fetching = new Map<string, Promise<unknown>>();

  constructor(cache: ArtifactCache, clock: Clock) {
    this.#cache = cache;
    this.#clock = clock;
  }

  /**
   * A local path with the artifact's bytes: the file itself for a `file:` URL, else one in the cache, downloaded when it is
   * not there; an interrupted download goes on where it stopped.
   * @param keep digests of files that must not make room for this one
   * @throws {ArtifactError} `artifact-missing`, `artifact-mismatch`, `artifact-unreachable`, `artifact-disk`
   */
  async fetch(artifact: FileArtifact, keep: ReadonlySet<string>, signal: AbortSignal): Promise<string> {
    if (artifact.url.startsWith("file:")) {
      const file = fileURLToPath(artifact.url);
      await check(file, artifact);
      return file;
    }
    const { sha256 } = artifact;
    const before = this.#fetching.get(sha256) ?? Promise.resolve();
    const fetched = before.then(() => this.#fetch(artifact, keep, signal));
    const settled = Promise.allSettled([fetched]);
    this.#fetching.set(sha256, settled);
    try {
      return await named(await fetched, artifact);
    } finally {
      if (this.#fetching.get(sha256) === settled) this.#fetching.delete(sha256);
    }
  }

  async #fetch(artifact: FileArtifact, keep: ReadonlySet<string>, signal: AbortSignal): Promise<string> {
    const { sha256, bytes } = artifact;
    const cached = await this.#cache.find(sha256);
    if (cached !== undefined) return cached;
    const part = this.#cache.partOf(sha256);
    const had = await sizeOf(part);
    await this.#cache.makeRoom(Math.max(0, bytes - had), new Set([...keep, sha256]));
    await this.#download(artifact, part, signal).catch(async (error: unknown) => {
      // What an earlier process left may not have reached the disk as it was.
      if (had === 0 || !(error instanceof ArtifactError) || error.code !== "artifact-mismatch") throw error;
      await this.#download(artifact, part, signal);
    });
    const target = this.#cache.pathOf(sha256);
    await rename(part, target);
    return target;
  }

  /** @throws {ArtifactError} `artifact-mismatch`, having thrown away what came */
  async #download(artifact: FileArtifact, part: string, signal: AbortSignal): Promise<void> {
    try {
      await download(artifact, part, { clock: this.#clock, signal });
      await check(part, artifact);
    } catch (error) {
      if (error instanceof ArtifactError && error.code === "artifact-mismatch") await rm(part, { force: true });
      throw error;
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

  /** Stores a file under `<base>/<sha256>`, unless it is there. Returns its URL. @throws {ArtifactError} `upload-failed` */
  async upload(file: string, sha256: string, base: string, signal: AbortSignal): Promise<string> {
    const url = `${base.replace(/\/$/, "")}/${sha256}`;
    let problem: unknown;
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      try {
        const { status, said } = await putFile(url, file, signal);
        if (status >= 200 && status < 300) return url;
        problem = `HTTP ${status}${said === undefined ? "" : `, ${said}`}`;
        if (status < 500 || status === INSUFFICIENT_STORAGE) break;
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

/** Readers know an array by its name, and files in the cache have none. */
async function named(file: string, { kind }: FileArtifact): Promise<string> {
  if (kind !== "npy") return file;
  const link = `${file}.npy`;
  await rm(link, { force: true });
  await symlink(file, link);
  return link;
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
