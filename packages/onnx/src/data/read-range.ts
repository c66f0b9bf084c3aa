import { open, type FileHandle } from "node:fs/promises";
import { DataError, firstLineOf } from "../errors.ts";

/** Opens a data file; throws DataError naming the path when it cannot. */
export async function openForReading(path: string): Promise<FileHandle> {
  try {
    return await open(path, "r");
  } catch (error) {
    throw new DataError(`cannot read ${path}: check the path (${firstLineOf(error)})`, {
      code: "data-unreadable",
      context: { path },
      cause: error,
    });
  }
}

/** Reads a range of a file; throws DataError when the file ends inside it. */
export async function readExactly(
  handle: FileHandle,
  path: string,
  offset: number,
  length: number,
): Promise<Uint8Array<ArrayBuffer>> {
  const bytes = new Uint8Array(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) {
      throw new DataError(
        `${path} ends at byte ${offset + done}, ${length - done} bytes early: the file is truncated, copy it again`,
        {
          code: "data-damaged",
          context: { path, offset, length },
        },
      );
    }
    done += bytesRead;
  }
  return bytes;
}
