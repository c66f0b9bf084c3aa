import { createHash, randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { Transform, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { SHA256 } from "@edgewatt/protocol";
import { freeDiskBytes, syncFolder, systemErrorCode } from "@edgewatt/runtime";
import { HttpError } from "../errors.ts";
import { evictionOrder } from "./eviction.ts";
import type { References } from "./references.ts";

const NO_SPACE: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);

export interface StoreLimits {
  readonly maxArtifactBytes: number;
  readonly maxStoreBytes: number;
  /** What an upload leaves free on the disk. */
  readonly reserveBytes: number;
}

export interface StoreUsage {
  readonly artifacts: number;
  readonly bytes: number;
  /** Bytes received of uploads under way, which count against the limit too. */
  readonly arrivingBytes: number;
  readonly limitBytes: number;
}

/**
 * Files named by the sha256 of their bytes. A file is there whole or not at all: bytes arrive in a file aside, which is
 * checked, synced and renamed. Two uploads of the same bytes do not disturb each other. Where there is no room for one,
 * files that no run names make it, then those that can be made again.
 */
export class ArtifactStore {
  readonly #dir: string;
  readonly #incoming: string;
  readonly #limits: StoreLimits;
  readonly #references: () => References;
  /** The names of the files that `#bytes` counts. */
  readonly #kept: Set<string>;
  #bytes: number;
  /** Bytes of uploads under way, those announced included: they count against the limit before they are complete. */
  #arriving = 0;
  #evicting: Promise<unknown> = Promise.resolve();

  private constructor(
    dir: string,
    { limits, references }: { limits: StoreLimits; references: () => References },
    kept: Set<string>,
    bytes: number,
  ) {
    this.#dir = dir;
    this.#references = references;
    this.#incoming = path.join(dir, "incoming");
    this.#limits = limits;
    this.#kept = kept;
    this.#bytes = bytes;
  }

  /** @param references what may not go, asked whenever room is needed */
  static async open(dir: string, limits: StoreLimits, references: () => References): Promise<ArtifactStore> {
    const incoming = path.join(dir, "incoming");
    // What an earlier process did not complete is worth nothing.
    await rm(incoming, { recursive: true, force: true });
    await mkdir(incoming, { recursive: true });
    const names = (await readdir(dir)).filter((name) => SHA256.test(name));
    const sizes = await Promise.all(names.map(async (name) => (await stat(path.join(dir, name))).size));
    return new ArtifactStore(
      dir,
      { limits, references },
      new Set(names),
      sizes.reduce((sum, size) => sum + size, 0),
    );
  }

  get dir(): string {
    return this.#dir;
  }

  /** How full it is. */
  get usage(): StoreUsage {
    return {
      artifacts: this.#kept.size,
      bytes: this.#bytes,
      arrivingBytes: this.#arriving,
      limitBytes: this.#limits.maxStoreBytes,
    };
  }

  async has(sha256: string): Promise<boolean> {
    try {
      return (await stat(path.join(this.#dir, sha256))).isFile();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return false;
      throw error;
    }
  }

  /** Counts as use, which keeps it from being the first to go. */
  async touch(sha256: string): Promise<void> {
    const now = new Date();
    await utimes(path.join(this.#dir, sha256), now, now);
  }

  /**
   * Takes the bytes of an artifact. `declaredBytes` is what the sender announced, if it did; `onAdmitted` is called when there is room
   * for them, before any is read.
   * @throws {HttpError} 413 `too-large`, 507 `store-full`, `disk-low` or `disk-full`, 422 `digest-mismatch` or `truncated`
   */
  async put(
    sha256: string,
    bytes: Readable,
    declaredBytes: number | undefined,
    onAdmitted: () => void = () => {},
  ): Promise<"created" | "exists"> {
    let claimed = declaredBytes ?? 0;
    if (claimed > this.#limits.maxArtifactBytes) throw this.#tooLarge();
    const file = path.join(this.#incoming, randomUUID());
    const hash = createHash("sha256");
    let received = 0;
    this.#arriving += claimed;
    const check = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        received += chunk.byteLength;
        // Room was made for what was announced.
        const more = Math.max(0, received - claimed);
        this.#arriving += more;
        claimed += more;
        hash.update(chunk);
        try {
          if (received > this.#limits.maxArtifactBytes) throw this.#tooLarge();
          if (more > 0 && this.#bytes + this.#arriving > this.#limits.maxStoreBytes) throw this.#full();
          done(null, chunk);
        } catch (error) {
          done(error as Error);
        }
      },
    });
    try {
      await this.#makeRoom();
      onAdmitted();
      await pipeline(bytes, check, createWriteStream(file, { flags: "wx" }));
      const digest = hash.digest("hex");
      if (digest !== sha256) {
        throw new HttpError(
          422,
          "digest-mismatch",
          `the ${received} bytes sent have sha256 ${digest}, not ${sha256}: check the file and send it again`,
        );
      }
      const outcome = await this.#keep(file, sha256);
      // In one step, or another upload would see it twice.
      if (outcome === "created") this.#bytes += received;
      this.#arriving -= claimed;
      claimed = 0;
      return outcome;
    } catch (error) {
      throw NO_SPACE.has(systemErrorCode(error)) ? this.#diskFull(error) : error;
    } finally {
      this.#arriving -= claimed;
      await rm(file, { force: true });
    }
  }

  async #keep(file: string, sha256: string): Promise<"created" | "exists"> {
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
    return "created";
  }

  /** For the uploads under way. @throws {HttpError} 507 */
  async #makeRoom(): Promise<void> {
    const { maxStoreBytes, reserveBytes } = this.#limits;
    const excess = () => this.#bytes + this.#arriving - maxStoreBytes;
    if (excess() > 0) await this.#evict(excess);
    if (excess() > 0) throw this.#full();
    const missing = async () => reserveBytes + this.#arriving - (await freeDiskBytes(this.#dir));
    if ((await missing()) > 0) await this.#evict(missing);
    if ((await missing()) > 0) throw this.#diskLow();
  }

  /** Removes files until no more bytes are missing, or none may go any more. One at a time, or two uploads would each make the room of both. */
  async #evict(missing: () => number | Promise<number>): Promise<void> {
    const before = this.#evicting;
    const evicted = (async () => {
      await before;
      for (const { sha256, bytes } of await evictionOrder(this.#dir, this.#references())) {
        if ((await missing()) <= 0) return;
        await rm(path.join(this.#dir, sha256), { force: true });
        this.#kept.delete(sha256);
        this.#bytes -= bytes;
      }
    })();
    this.#evicting = evicted.catch(() => {});
    await evicted;
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
      `the artifacts of this hub would take more than ${this.#limits.maxStoreBytes} bytes: raise --max-store-mb, or keep fewer runs with --max-runs, since what a run names stays`,
    );
  }

  #diskLow(): HttpError {
    const reserveMb = this.#limits.reserveBytes / 1e6;
    return new HttpError(
      507,
      "disk-low",
      `the hub's disk would have less than ${reserveMb} MB free, which --disk-reserve-mb keeps for its journal: free space on the disk of ${this.#dir}`,
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
