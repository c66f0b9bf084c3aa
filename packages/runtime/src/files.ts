import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, rm, stat } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import writeFileAside from "write-file-atomic";
import { FileError } from "./errors.ts";
import { systemErrorCode } from "./system-error-code.ts";

/**
 * Creates a folder and those above it that are missing. Node's own `mkdir` with `recursive` never returns below a folder
 * in which nothing can be made and that says ENOENT, such as `/proc`.
 */
async function makeFolder(dir: string): Promise<void> {
  try {
    await makeOne(dir);
  } catch (error) {
    const parent = path.dirname(dir);
    if (systemErrorCode(error) !== "ENOENT" || parent === dir) throw error;
    // It may also have come meanwhile, by another process that makes the same folders.
    await makeFolder(parent);
    await makeOne(dir);
  }
}

async function makeOne(dir: string): Promise<void> {
  try {
    await mkdir(dir);
  } catch (error) {
    if (systemErrorCode(error) !== "EEXIST" || !(await stat(dir)).isDirectory()) throw error;
  }
}

/**
 * Writes a file so that a reader, or a crash at any moment, sees the old content or the new, never a part.
 * Creates missing folders. Throws FileError.
 */
export async function writeFileAtomic(file: string, data: string | Uint8Array): Promise<void> {
  try {
    await makeFolder(path.dirname(path.resolve(file)));
    await writeFileAside(
      file,
      typeof data === "string" ? data : Buffer.from(data.buffer, data.byteOffset, data.byteLength),
    );
  } catch (cause) {
    throw new FileError(`cannot write ${file} (${systemErrorCode(cause)}): make its folder writable or name another`, {
      code: "write-failed",
      context: { file },
      cause,
    });
  }
}

/** Makes names in a folder durable: a file that was created or renamed may else be missing after a power cut. */
export async function syncFolder(dir: string): Promise<void> {
  const handle = await open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Digest of a file's bytes, lower-case hex; reads as a stream. Throws FileError. */
export async function sha256File(file: string): Promise<string> {
  const hash = createHash("sha256");
  try {
    await pipeline(createReadStream(file), hash);
  } catch (cause) {
    throw new FileError(`cannot read ${file} (${systemErrorCode(cause)}): check that it exists and is readable`, {
      code: "read-failed",
      context: { file },
      cause,
    });
  }
  return hash.digest("hex");
}

/** Creates the data folder and proves by writing that it can be used; returns its absolute path. Throws FileError. */
export async function dataDir(dir: string): Promise<string> {
  const absolute = path.resolve(dir);
  const probe = path.join(absolute, `.probe-${process.pid}`);
  try {
    await makeFolder(absolute);
    const handle = await open(probe, "w");
    await handle.close();
    await rm(probe);
  } catch (cause) {
    throw new FileError(
      `data folder ${absolute} cannot be written (${systemErrorCode(cause)}): make it writable or pass --data DIR`,
      { code: "data-dir", context: { dir: absolute }, cause },
    );
  }
  return absolute;
}
