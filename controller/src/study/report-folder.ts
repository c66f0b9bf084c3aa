import { access, constants, stat } from "node:fs/promises";
import path from "node:path";
import { systemErrorCode } from "@edgewatt/runtime";
import { UsageError } from "../errors.ts";

/**
 * Looks whether a report can be written to a folder that may not be there yet, and makes nothing: what a study measures takes long, and should not
 * be lost to a name.
 * @throws {UsageError} where it is a file, lies below one, or cannot be written
 */
export async function checkReportFolder(dir: string): Promise<void> {
  for (let place = dir; ; place = path.dirname(place)) {
    try {
      const isFolder = (await stat(place)).isDirectory();
      if (isFolder) await access(place, constants.W_OK);
      if (isFolder) return;
    } catch (error) {
      if (["ENOENT", "ENOTDIR"].includes(systemErrorCode(error))) continue;
      throw new UsageError(
        `cannot write a report to ${dir} (${place}: ${systemErrorCode(error)}): make it writable, or name another folder with --out`,
      );
    }
    throw new UsageError(`cannot write a report to ${dir}: ${place} is no folder; name another one with --out`);
  }
}
