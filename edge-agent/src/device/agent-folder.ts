import { stat } from "node:fs/promises";
import path from "node:path";
import { dataDir, FileError, systemErrorCode } from "@edgewatt/runtime";

/** What a disk answers that takes nothing now, and may again. */
const DISK_STATES: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT", "EROFS", "EIO"]);

/** Takes it that a disk is full, read-only or failing now. @throws any other error: it is the wrong place, or a fault of ours */
export function unlessDiskState(error: unknown): void {
  if (!DISK_STATES.has(systemErrorCode(error instanceof FileError ? error.cause : error))) throw error;
}

/**
 * A folder of the agent, made where it is missing; its absolute path. One that is there is taken whatever the state of its disk: an
 * agent that cannot keep anything still measures, sends and says so. @throws {FileError}
 */
export async function agentFolder(dir: string): Promise<string> {
  try {
    return await dataDir(dir);
  } catch (error) {
    const isThere = await stat(dir).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (!isThere) throw error;
    unlessDiskState(error);
    return path.resolve(dir);
  }
}
