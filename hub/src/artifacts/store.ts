import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SHA256 } from "@edgewatt/protocol";
import { syncFolder, systemErrorCode } from "@edgewatt/runtime";
import { HttpError } from "../errors.ts";

const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

export interface StoreLimits {
  readonly maxArtifactBytes: number;
  readonly maxStoreBytes: number;
}

/**
 * Files named by the sha256 of their bytes. A file is there whole or not at all: bytes arrive in a file aside, which is
 * checked, synced and renamed. Two uploads of the same bytes do not disturb each other.
 */
export class ArtifactStore {
  readonly #dir: string;
  readonly #incoming: string;
  readonly #limits: StoreLimits;
  /** The names of the files that `#bytes` counts. */
  readonly #kept: Set<string>;
  #bytes: number;
  /** Bytes of uploads under way: they count against the limit before they are complete. */
  #arriving = 0;

  private constructor(dir: string, limits: StoreLimits, kept: Set<string>, bytes: number) {
    this.#dir = dir;
    this.#incoming = path.join(dir, "incoming");
    this.#limits = limits;
    this.#kept = kept;
    this.#bytes = bytes;
  }

  static async open(dir: string, limits: StoreLimits): Promise<ArtifactStore> {
    const incoming = path.join(dir, "incoming");
    // What an earlier process did not complete is worth nothing.
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
    const names = (await readdir(dir)).filter((name) => SHA256.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(dir, name))).size));
    return new ArtifactStore(
      dir,
      limits,
      new Set(names),
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }

  get dir(): string {
    return this.#dir;
  }

  async has(sha256: string): Promise<boolean> {
    try {
      return (await stat(path.join(this.#dir, sha256))).isFile();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /**
   * Takes the bytes of an artifact. `declaredBytes` is what the sender announced, if it did.
   * @throws {HttpError} 413 `too-large`, 507 `store-full` or `disk-full`, 422 `digest-mismatch` or `truncated`
   */
  async put(sha256: string, bytes: Readable, declaredBytes: number | undefined): Promise<"created" | "exists"> {
    this.#admit(declaredBytes ?? 0);
    const file = path.join(this.#incoming, randomUUID());
    const hash = createHash("sha256");
    let received = 0;
    const check = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.byteLength;
        this.#arriving += chunk.byteLength;
        hash.update(chunk);
        try {
          if (received > this.#limits.maxArtifactBytes) throw this.#tooLarge();
          if (this.#bytes + this.#arriving > this.#limits.maxStoreBytes) throw this.#full();
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
    try {
      await pipeline(bytes, check, createWriteStream(file, { flags: "wx" }));
      const digest = hash.digest("hex");
      if (digest !== sha256) {
        throw new HttpError(
          422,
          "digest-mismatch",
          `the ${received} bytes sent have sha256 ${digest}, not ${sha256}: check the file and send it again`,
        );
      }
      return await this.#keep(file, sha256, received);
    } catch (error) {
      throw NO_SPACE.has(systemErrorCode(error)) ? this.#diskFull(error) : error;
    } finally {
      this.#arriving -= received;
      await rm(file, { force: true });
    }
  }

  async #keep(file: string, sha256: string, size: number): Promise<"created" | "exists"> {
    if (await this.has(sha256)) return "exists";
    const handle = await open(file, "r+");
    try {
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(file, path.join(this.#dir, sha256));
    await syncFolder(this.#dir);
    // Another upload of the same bytes may have come first since they were looked for.
    if (this.#kept.has(sha256)) return "exists";
    this.#kept.add(sha256);
    this.#bytes += size;
    return "created";
  }

  #admit(declaredBytes: number): void {
    if (declaredBytes > this.#limits.maxArtifactBytes) throw this.#tooLarge();
    if (this.#bytes + this.#arriving + declaredBytes > this.#limits.maxStoreBytes) throw this.#full();
  }

  #tooLarge(): HttpError {
    const { maxArtifactBytes } = this.#limits;
    return new HttpError(
      413,
      "too-large",
      `an artifact may have at most ${maxArtifactBytes} bytes: raise --max-artifact-mb of the hub if this one must fit`,
    );
  }

  #full(): HttpError {
    return new HttpError(
      507,
      "store-full",
      `the artifacts of this hub would take more than ${this.#limits.maxStoreBytes} bytes: raise --max-store-mb or delete files in ${this.#dir}, and start the hub again`,
    );
  }

  #diskFull(error: unknown): HttpError {
    return new HttpError(
      507,
      "disk-full",
      `the disk of this hub is full (${systemErrorCode(error)}): free space where ${this.#dir} is, and send it again`,
    );
  }
}
