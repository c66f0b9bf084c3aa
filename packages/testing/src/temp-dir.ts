import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";

export interface TempDir extends AsyncDisposable {
  readonly path: string;
}

/** A new empty folder that disposing removes with all that is in it. */
export async function tempDir(): Promise<TempDir> {
  const dir = await mkdtemp(path.join(tmpdir(), "edgewatt-"));
  return {
    path: dir,
    [Symbol.asyncDispose]: () => rm(dir, { recursive: true, force: true, maxRetries: 3 }),
  };
}
