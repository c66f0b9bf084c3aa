import { stat } from "node:fs/promises";
import { sha256File, systemErrorCode } from "@edgewatt/runtime";

export interface CheckedFile {
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Digests of files that are not ours and may change: each is read again when its size or time differs. */
export class CheckedDigests {
  readonly #known = new Map<string, { readonly version: string; readonly file: Promise<CheckedFile> }>();

  /** `undefined` where there is no such file. */
  async of(path: string): Promise<CheckedFile | undefined> {
    try {
      const { size, mtimeMs, ino } = await stat(path);
      const version = [size, mtimeMs, ino].join();
      const known = this.#known.get(path);
      if (known?.version === version) return await known.file;
      const file = sha256File(path).then((sha256) => ({ path, bytes: size, sha256 }));
      this.#known.set(path, { version, file });
      file.catch(() => this.#known.delete(path));
      return await file;
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error))) return undefined;
      throw error;
    }
  }
}
