import { stat } from "node:fs/promises";
import { FileError, systemErrorCode } from "@edgewatt/runtime";

/** Bytes of a file that must be there. @throws {FileError} */
export async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (cause) {
    throw new FileError(`cannot read ${file} (${systemErrorCode(cause)}): check that it exists and is readable`, {
      code: "read-failed",
      context: { file },
      cause,
    });
  }
}
