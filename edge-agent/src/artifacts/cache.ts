import { readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { SHA256 } from "@edgewatt/protocol";
import { agentFolder, unlessDiskState } from "../device/agent-folder.ts";

const PART = ".part";

/**
 * Files by content, each named by its digest, within a limit of bytes; the one not used for longest goes first. What has arrived of a file so
 * far counts and goes like a whole one.
 */
export class ArtifactCache {
  readonly #dir: string;
  readonly #limitBytes: number;

  private constructor(dir: string, limitBytes: number) {
    this.#dir = dir;
    this.#limitBytes = limitBytes;
  }

  /** @param options what the names of files and folders hold that an earlier process did not complete, and that are worth nothing */
  static async open(
    dir: string,
    limitBytes: number,
    { unfinished }: { readonly unfinished?: string } = {},
  ): Promise<ArtifactCache> {
    const cache = new ArtifactCache(await agentFolder(dir), limitBytes);
    if (unfinished === undefined) return cache;
    for (const name of await readdir(dir)) {
      if (name.includes(unfinished)) await rm(path.join(dir, name), { recursive: true }).catch(unlessDiskState);
    }
    return cache;
  }

  /** Where a file of this digest is, or belongs. */
  pathOf(sha256: string): string {
    return path.join(this.#dir, sha256);
  }

  /** Where the beginning of a file of this digest is kept until the rest has come. */
  partOf(sha256: string): string {
    return `${this.pathOf(sha256)}${PART}`;
  }

  /** Its path when it is there whole; counts as use. */
  async find(sha256: string): Promise<string | undefined> {
    const file = this.pathOf(sha256);
    const now = new Date();
    try {
      await utimes(file, now, now);
      return file;
    } catch {
      return undefined;
    }
  }

  /** Makes room for a file that is about to be stored, keeping those that a job uses. */
  async makeRoom(bytes: number, keep: ReadonlySet<string>): Promise<void> {
    const files = await this.#files();
    let total = files.reduce((sum, file) => sum + file.size, bytes);
    for (const { name, digest, size } of files) {
      if (total <= this.#limitBytes) return;
      if (keep.has(digest)) continue;
      await rm(path.join(this.#dir, name), { force: true });
      // An array is also there under a name that says so, and what was made here has a record.
      for (const beside of [".npy", ".json"]) await rm(`${this.pathOf(digest)}${beside}`, { force: true });
      total -= size;
    }
  }

  /** Whole files and beginnings of others; the one not used for longest first. */
  async #files(): Promise<{ name: string; digest: string; size: number; mtimeMs: number }[]> {
    const files = await Promise.all(
      (await readdir(this.#dir)).map(async (name) => {
        const digest = name.endsWith(PART) ? name.slice(0, -PART.length) : name;
        if (!SHA256.test(digest)) return [];
        try {
          const { size, mtimeMs } = await stat(path.join(this.#dir, name));
          return [{ name, digest, size, mtimeMs }];
        } catch {
          // Another fetch has made it whole, or made room.
          return [];
        }
      }),
    );
    return files.flat().sort((a, b) => a.mtimeMs - b.mtimeMs);
  }
}
