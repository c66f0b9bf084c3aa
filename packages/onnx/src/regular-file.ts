import { stat } from "node:fs/promises";
import { ModelError } from "./errors.ts";

/**
 * The size of a regular file in bytes; links are followed. To be asked before a file is opened, as opening a pipe waits for a writer.
 * @throws ModelError for a folder, pipe or device, and the file system's own error where there is nothing
 */
export async function regularFileBytes(path: string): Promise<number> {
  const found = await stat(path);
  if (found.isFile()) return found.size;
  throw new ModelError(`${path} is a folder or device: name a file`, { code: "not-a-file", context: { path } });
}
