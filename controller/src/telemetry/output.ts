import { createWriteStream } from "node:fs";
import { rename, rm, stat } from "node:fs/promises";
import path from "node:path";
import { Readable, Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createGzip } from "node:zlib";
import { FileError, systemErrorCode } from "@edgewatt/runtime";
import type { Context } from "../context.ts";

/** Where exported lines go: a file, or standard output. */
export interface Target {
  readonly out: string;
  readonly gzip: boolean;
}

export const STANDARD = "-";

/** Writes text as it comes; a file is there whole or not at all. Resolves with its size, `null` for standard output. @throws {FileError} */
export async function writeOut(
  context: Context,
  { out, gzip }: Target,
  parts: AsyncIterable<string>,
): Promise<number | null> {
  if (out === STANDARD) {
    await send(context, parts, gzip, standardOutput(context));
    return null;
  }
  const file = path.resolve(context.cwd, out);
  const part = `${file}.${process.pid}.part`;
  try {
    await send(context, parts, gzip || out.endsWith(".gz"), createWriteStream(part));
    await rename(part, file);
    return (await stat(file)).size;
  } catch (error) {
    await rm(part, { force: true });
    context.signal.throwIfAborted();
    if (!(error instanceof Error && "path" in error)) throw error;
    throw new FileError(`cannot write ${file} (${systemErrorCode(error)}): make room or name another file with --out`, {
      code: "write-failed",
      context: { file },
      cause: error,
    });
  }
}

async function send(context: Context, parts: AsyncIterable<string>, gzip: boolean, sink: Writable): Promise<void> {
  const { signal } = context;
  const source = Readable.from(parts);
  // Standard output stays open: the process has more to say.
  const options = { signal, end: sink !== context.stdout };
  try {
    await (gzip ? pipeline(source, createGzip(), sink, options) : pipeline(source, sink, options));
  } catch (error) {
    // The reader of a pipe had enough.
    if (systemErrorCode(error) !== "EPIPE") throw error;
  }
}

function standardOutput(context: Context): Writable {
  const { stdout } = context;
  if (stdout instanceof Writable) return stdout;
  return new Writable({
    decodeStrings: false,
    write: (text: string | Buffer, _encoding, done) => {
      stdout.write(text.toString());
      done();
    },
  });
}
