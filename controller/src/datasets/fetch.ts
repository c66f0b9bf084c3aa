import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { access, mkdir, rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { dataDir, FileError, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { extract } from "tar";
import { ControllerError } from "../errors.ts";
import type { DatasetSource } from "./catalogue.ts";

export interface FetchOptions {
  /** The folder of data sets; the set gets a folder of its own in it. */
  readonly folder: string;
  readonly onProgress?: (doneBytes: number, totalBytes: number | undefined) => void;
  readonly signal?: AbortSignal;
}

async function sizeOf(file: string): Promise<number> {
  try {
    return (await stat(file)).size;
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return 0;
    throw error;
  }
}

/**
 * Downloads, checks and unpacks a data set. What was downloaded before an interruption is kept and continued with a Range
 * request; the folder appears only when everything is there.
 * @returns the folder
 */
export async function fetchDataset(source: DatasetSource, options: FetchOptions): Promise<string> {
  const folder = await dataDir(options.folder);
  const target = path.join(folder, source.name);
  const part = path.join(folder, `${source.name}.tar.gz.part`);
  await download(source, part, options);
  await checkArchive(source, part);
  await unpack(source, part, target);
  await rm(part, { force: true });
  return target;
}

async function download(source: DatasetSource, part: string, options: FetchOptions): Promise<void> {
  const have = await sizeOf(part);
  const response = await request(source, have, options.signal);
  // 416: what is here is all there is, or more; the digest decides.
  if (response.status === 416) return;
  if (!response.ok) throw unreachable(source, `it answers ${response.status}`);
  const resumed = response.status === 206;
  const length = response.headers.get("content-length");
  let done = resumed ? have : 0;
  const total = length === null ? undefined : done + Number(length);
  const count = new Transform({
    transform(chunk: Uint8Array, _encoding, next) {
      done += chunk.byteLength;
      options.onProgress?.(done, total);
      next(null, chunk);
    },
  });
  try {
    await pipeline(
      Readable.from(chunksOf(response)),
      count,
      createWriteStream(part, { flags: resumed ? "a" : "w" }),
      ...(options.signal === undefined ? [] : [{ signal: options.signal }]),
    );
  } catch (cause) {
    options.signal?.throwIfAborted();
    if (["ENOSPC", "EACCES", "EIO"].includes(systemErrorCode(cause))) {
      throw new FileError(
        `cannot write ${part} (${systemErrorCode(cause)}): make room and run the same command again`,
        {
          code: "write-failed",
          context: { part },
          cause,
        },
      );
    }
    throw unreachable(source, `the connection broke after ${done} bytes, which are kept`, cause);
  }
}

async function* chunksOf(response: Response): AsyncGenerator<Uint8Array> {
  const reader = response.body?.getReader();
  try {
    for (;;) {
      const next = await reader?.read();
      if (next?.value === undefined) return;
      yield next.value;
    }
  } finally {
    await reader?.cancel();
  }
}

async function request(source: DatasetSource, have: number, signal: AbortSignal | undefined): Promise<Response> {
  try {
    return await fetch(source.url, {
      headers: have === 0 ? {} : { range: `bytes=${have}-` },
      ...(signal === undefined ? {} : { signal }),
    });
  } catch (cause) {
    signal?.throwIfAborted();
    throw unreachable(source, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
}

function unreachable(source: DatasetSource, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `cannot download ${source.name} from ${source.url} (${why}): run the same command again to go on, or name a copy with --url`,
    { code: "download-failed", retryable: true, context: { url: source.url }, cause },
  );
}

async function checkArchive(source: DatasetSource, part: string): Promise<void> {
  const hash = createHash("md5");
  await pipeline(createReadStream(part), hash);
  const found = hash.digest("hex");
  if (found === source.md5) return;
  await rm(part, { force: true });
  throw new ControllerError(
    `the archive from ${source.url} is not the published one (MD5 ${found} instead of ${source.md5}) and was removed: run the same command again, or name another copy with --url`,
    { code: "bad-archive", retryable: true, context: { url: source.url, found, expected: source.md5 } },
  );
}

async function unpack(source: DatasetSource, archive: string, target: string): Promise<void> {
  const aside = `${target}.${process.pid}.part`;
  try {
    await mkdir(aside, { recursive: true });
    await extract({ file: archive, cwd: aside, strip: 1, strict: true });
    for (const file of source.files) await access(path.join(aside, file));
    await rm(target, { recursive: true, force: true });
    await rename(aside, target);
  } catch (cause) {
    throw new FileError(
      `cannot unpack ${archive} to ${target} (${systemErrorCode(cause)}): make room or the folder writable`,
      {
        code: "unpack-failed",
        context: { archive, target },
        cause,
      },
    );
  } finally {
    await rm(aside, { recursive: true, force: true });
  }
}
