import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";

/** A folder for the tests of one file, removed after the last of them. */
export async function useTempDir(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-onnx-"));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}
