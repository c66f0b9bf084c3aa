import { createWriteStream } from "node:fs";
import { access, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { readLines } from "@edgewatt/database";
import type { ResultRow } from "@edgewatt/protocol";
import { FileError, sha256File, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import { readIn } from "./input.ts";

export type TraceArtifact = NonNullable<ResultRow["trace"]>;

/** Copies the readings of a row into a folder under their name, checked by their digest; resolves with the file. @throws {UnreachableError} */
export async function fetchTrace(
  context: Context,
  trace: TraceArtifact,
  { dir, dataDir }: { readonly dir: string; readonly dataDir: string },
): Promise<string> {
  const file = path.join(dir, path.basename(trace.name));
  if (await isTrace(file, trace.sha256)) return file;
  await mkdir(dir, { recursive: true });
  const part = `${file}.part`;
  try {
    const local = await agentFile(dataDir, trace.sha256);
    if (local === undefined) await download(context, trace, part);
    else await copyFile(local, part);
    if (!(await isTrace(part, trace.sha256))) {
      throw unreachable(trace, "what came is not what the run wrote");
    }
    await rename(part, file);
    return file;
  } finally {
    await rm(part, { force: true });
  }
}

/** The columns behind the header of every file of readings. */
const COLUMNS = "window,phase,t_us,watts,joules";

/** That a file holds readings, before it goes anywhere. @throws {FileError} */
export async function checkTraceFile(context: Context, file: string): Promise<void> {
  // Comments, as the lines of the header are, are left out.
  for await (const { line } of readLines(readIn(context, file))) {
    if (line === COLUMNS) return;
    break;
  }
  throw new FileError(`${file} holds no full-rate readings: name what \`edgewatt export --traces JOB\` wrote`, {
    code: "no-trace",
    context: { file },
  });
}

async function isTrace(file: string, sha256: string): Promise<boolean> {
  try {
    await access(file);
  } catch {
    return false;
  }
  return (await sha256File(file)) === sha256;
}

/** The readings where an agent of this data folder keeps them. */
async function agentFile(dataDir: string, sha256: string): Promise<string | undefined> {
  const agents = await readdir(dataDir).catch(() => []);
  for (const agent of agents.filter((name) => name.startsWith("agent-"))) {
    const file = path.join(dataDir, agent, "traces", sha256);
    if (await isTrace(file, sha256)) return file;
  }
  return undefined;
}

async function download({ signal }: Context, trace: TraceArtifact, file: string): Promise<void> {
  if (trace.url === null) throw unreachable(trace, "it was not uploaded and is on its device only");
  try {
    const response = await fetch(trace.url, { signal });
    if (!response.ok || response.body === null) throw unreachable(trace, `${trace.url} answers ${response.status}`);
    await pipeline(response.body, createWriteStream(file), { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnreachableError) throw cause;
    throw unreachable(trace, systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause), cause);
  }
}

function unreachable({ name, sha256 }: TraceArtifact, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `the readings ${name} cannot be fetched (${why}): check that the hub which has them runs`,
    {
      code: "trace-unreachable",
      context: { name, sha256 },
      cause,
    },
  );
}
