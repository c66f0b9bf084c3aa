import { createWriteStream } from "node:fs";
import { access, copyFile, mkdir, readdir, rename, rm } from "node:fs/promises";
import path from "node:path";
import { pipeline } from "node:stream/promises";
import { readLines } from "@edgewatt/database";
import type { ResultRow } from "@edgewatt/protocol";
import { FileError, sha256File, systemErrorCode, UnreachableError } from "@edgewatt/runtime";
import { uploadBase } from "../client/artifacts.ts";
import type { Context } from "../context.ts";
import { readIn } from "./input.ts";

export type TraceArtifact = NonNullable<ResultRow["trace"]>;

/** Where readings may be, besides the address that their run names, which may have been another hub's. */
export interface TracePlaces {
  /** Of the agents that run on this machine. */
  readonly dataDir: string;
  /** Of the hub that is online now. */
  readonly hubUrl: string | undefined;
}

/** Copies the readings of a row into a folder under their name, checked by their digest; resolves with the file. @throws {UnreachableError} */
export async function fetchTrace(
  context: Context,
  trace: TraceArtifact,
  { dir, dataDir, hubUrl }: TracePlaces & { readonly dir: string },
): Promise<string> {
  const file = path.join(dir, path.basename(trace.name));
  if (await isTrace(file, trace.sha256)) return file;
  await mkdir(dir, { recursive: true });
  const part = `${file}.part`;
  try {
    const local = await agentFile(dataDir, trace.sha256);
    if (local === undefined) await downloadFirst(context, trace, { hubUrl, part });
    else await copyFile(local, part);
    await rename(part, file);
    return file;
  } finally {
    await rm(part, { force: true });
  }
}

/** From the first address that has it. */
async function downloadFirst(
  context: Context,
  trace: TraceArtifact,
  { hubUrl, part }: { readonly hubUrl: string | undefined; readonly part: string },
): Promise<void> {
  const here = hubUrl === undefined ? null : `${uploadBase(hubUrl)}/${trace.sha256}`;
  const urls = [...new Set([here, trace.url])].filter((url) => url !== null);
  const faults: UnreachableError[] = [];
  for (const url of urls) {
    try {
      return await download(context, trace, { url, part });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      faults.push(error);
    }
  }
  throw faults.at(-1) ?? unreachable(trace, "it was not uploaded and is on its device only");
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

async function download(
  { signal }: Context,
  trace: TraceArtifact,
  { url, part }: { readonly url: string; readonly part: string },
): Promise<void> {
  try {
    const response = await fetch(url, { signal });
    if (!response.ok || response.body === null) throw unreachable(trace, `${url} answers ${response.status}`);
    await pipeline(response.body, createWriteStream(part), { signal });
  } catch (cause) {
    signal.throwIfAborted();
    if (cause instanceof UnreachableError) throw cause;
    const why = systemErrorCode(cause instanceof Error ? (cause.cause ?? cause) : cause);
    throw unreachable(trace, `${url}: ${why}`, cause);
  }
  if (!(await isTrace(part, trace.sha256))) throw unreachable(trace, `what ${url} has is not what the run wrote`);
}

function unreachable({ name, sha256 }: TraceArtifact, why: string, cause?: unknown): UnreachableError {
  return new UnreachableError(
    `the readings ${name} cannot be fetched (${why}): check that the hub which has them runs, or bring them back from a copy with \`edgewatt import --traces FILE\``,
    {
      code: "trace-unreachable",
      context: { name, sha256 },
      cause,
    },
  );
}
