import { readdir, rm, stat, utimes } from "node:fs/promises";
import path from "node:path";
import { SHA256 } from "@edgewatt/protocol";
import { dataDir } from "@edgewatt/runtime";

/** Files by content, each named by its digest, within a limit of bytes; the one not used for longest goes first. */
export class ArtifactCache {
  readonly #dir: string;
  readonly #limitBytes: number;

  private constructor(dir: string, limitBytes: number) {
    this.#dir = dir;
    this.#limitBytes = limitBytes;
  }

  static async open(dir: string, limitBytes: number): Promise<ArtifactCache> {
    return new ArtifactCache(await dataDir(dir), limitBytes);
  }

  /** Where a file of this digest is, or belongs. */
  pathOf(sha256: string): string {
    return path.join(this.#dir, sha256);
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
    const names = (await readdir(this.#dir)).filter((name) => SHA256.test(name));
    const files = await Promise.all(
      names.map(async (name) => {
        const { size, mtimeMs } = await stat(this.pathOf(name));
        return { name, size, mtimeMs };
      }),
    );
    files.sort((a, b) => a.mtimeMs - b.mtimeMs);
    let total = files.reduce((sum, file) => sum + file.size, bytes);
    for (const { name, size } of files) {
      if (total <= this.#limitBytes) return;
      if (keep.has(name)) continue;
      await rm(this.pathOf(name), { force: true });
      total -= size;
    }
  }
}
