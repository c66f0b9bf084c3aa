import { createReadStream } from "node:fs";
import path from "node:path";
import { PassThrough, type Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { FileError, systemErrorCode } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import { STANDARD } from "./output.ts";

const GZIP_MAGIC = Buffer.from([0x1f, 0x8b]);

/** The text of a file or of standard input, unpacked where it is gzip'd. @throws {FileError} */
export async function* readIn(context: Context, file: string): AsyncGenerator<string> {
  const name = file === STANDARD ? "standard input" : path.resolve(context.cwd, file);
  const source = file === STANDARD ? (context.stdin as Readable) : createReadStream(name);
  try {
    const decoder = new TextDecoder();
    for await (const bytes of unpacked(source)) yield decoder.decode(bytes, { stream: true });
    yield decoder.decode();
  } catch (cause) {
    context.signal.throwIfAborted();
    throw unreadable(name, cause);
  }
}

export function unreadable(file: string, cause: unknown): FileError {
  return new FileError(`cannot read ${file} (${systemErrorCode(cause)}): check that it is there, readable and whole`, {
    code: "read-failed",
    context: { file },
    cause,
  });
}

async function* unpacked(source: Readable): AsyncGenerator<Buffer> {
  const parts = source[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  let start: Buffer = Buffer.alloc(0);
  while (start.length < GZIP_MAGIC.length) {
    const { done, value } = await parts.next();
    if (done === true) break;
    start = Buffer.concat([start, Buffer.from(value)]);
  }
  const whole = async function* (): AsyncGenerator<Buffer> {
    if (start.length > 0) yield start;
    yield* { [Symbol.asyncIterator]: () => parts };
  };
  if (!start.subarray(0, GZIP_MAGIC.length).equals(GZIP_MAGIC)) {
    yield* whole();
    return;
  }
  const out = new PassThrough();
  const done = pipeline(whole(), createGunzip(), out);
  // A fault ends `out` with it as well, which is where it is thrown.
  done.catch(() => {});
  yield* out as AsyncIterable<Buffer>;
  await done;
}
