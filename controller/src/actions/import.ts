import { access, constants } from "node:fs/promises";
import path from "node:path";
import {
  type DatabaseClient,
  DatabaseError,
  DOWNSAMPLED,
  isDownsampled,
  rawPolicyOf,
  readLines,
  readState,
  recompute,
} from "@edgewatt/database";
import { sha256File, UnreachableError } from "@edgewatt/runtime";
import { uploadFile } from "../client/artifacts.ts";
import { withConnection } from "../client/broker.ts";
import { openDatabase } from "../client/database.ts";
import { readFleet } from "../client/fleet.ts";
import { columns } from "../columns.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { BrokerOption, DatabaseOption } from "../options.ts";
import { Progress } from "../progress.ts";
import { type Imported, Importer } from "../telemetry/importer.ts";
import { readIn, unreadable } from "../telemetry/input.ts";
import { STANDARD } from "../telemetry/output.ts";
import { checkTraceFile } from "../telemetry/traces.ts";

export interface ImportOptions extends DatabaseOption, BrokerOption {
  readonly precision: "ns" | "u" | "s";
  readonly policy?: string;
  readonly fromLine?: number;
  readonly traces?: true;
}

interface ImportedFile extends Imported {
  readonly file: string;
}

/** Refused lines that are shown one by one. */
const SHOWN = 20;

/** Files of line protocol into the database, or of full-rate readings into the hub; resolves with the exit code. */
export async function importFiles(context: Context, files: readonly string[], options: ImportOptions): Promise<number> {
  if (options.traces === true) return importTraces(context, files, options);
  if (options.fromLine !== undefined && files.length > 1) throw new UsageError("--from-line goes with one file");
  const batches = files.find((file) => file.endsWith(".jsonl"));
  if (batches !== undefined) {
    throw new UsageError(
      `${batches} holds whole batches that could not be read, not lines: send them again once ingest is updated, see docs/how-to/retention.md`,
    );
  }
  await checkReadable(context, files);
  const client = await openDatabase(context, options);
  const startedMs = performance.now();
  const importer = new Importer(client, { precision: options.precision, policy: options.policy });
  using progress = new Progress(context);
  const done: ImportedFile[] = [];
  for (const file of files) done.push(await importFile(context, file, { importer, progress, options }));
  const means = options.policy === undefined ? await recomputeTouched(client, importer, progress) : 0;
  const refused = done.reduce((sum, file) => sum + file.refused, 0);
  if (options.json === true) {
    const wallS = (performance.now() - startedMs) / 1000;
    printJson(context, { influx: client.address, files: done, means, wallS });
  } else {
    const row = ({ file, lines, stored }: ImportedFile): string[] => [
      file,
      String(lines),
      String(stored),
      String(lines - stored),
    ];
    print(context, columns(["FILE", "LINES", "STORED", "REFUSED"], done.map(row)));
    if (means > 0) print(context, `${means} means computed again`);
    for (const { file, refusals } of done) {
      for (const { line, reason } of refusals.slice(0, SHOWN)) say(context, `${file}:${line}: ${reason}`);
      if (refusals.length > SHOWN) say(context, `${file}: … the others are in the document of --json`);
    }
  }
  return refused === 0 ? 0 : 1;
}

async function importFile(
  context: Context,
  file: string,
  { importer, progress, options }: { importer: Importer; progress: Progress; options: ImportOptions },
): Promise<ImportedFile> {
  const onProgress = (lines: number): void => progress.update(file, `${file}: ${lines} lines`);
  try {
    const lines = readLines(readIn(context, file));
    return { file, ...(await importer.importLines(lines, { fromLine: options.fromLine ?? 1, onProgress })) };
  } catch (error) {
    const isTold = error instanceof UnreachableError || error instanceof DatabaseError || context.signal.aborted;
    if (isTold && importer.nextLine > (options.fromLine ?? 1)) {
      progress.note(
        `edgewatt: ${file} is stored up to line ${importer.nextLine - 1}: go on with --from-line ${importer.nextLine}, or import it again, which changes nothing`,
      );
    }
    throw error;
  }
}

/** The means that belong to what was imported, where the database keeps any. */
async function recomputeTouched(client: DatabaseClient, { touched }: Importer, progress: Progress): Promise<number> {
  if (touched.isEmpty || (await client.version()).major !== 1) return 0;
  const state = await readState(client);
  const raw = rawPolicyOf(state.policies);
  if (raw === undefined || !isDownsampled(state)) return 0;
  let means = 0;
  for (const { measurement: name, stretch } of touched.stretches()) {
    const measurement = DOWNSAMPLED.find((known) => known.name === name);
    if (measurement === undefined) continue;
    progress.update("means", `means of ${name}`);
    means += await recompute(client, { rawPolicy: raw.name, measurement, stretch });
  }
  return means;
}

/** Before anything is stored: a name that is wrong must not leave half of what was asked for done. @throws {FileError} */
async function checkReadable(context: Context, files: readonly string[]): Promise<void> {
  if (files.filter((file) => file === STANDARD).length > 1)
    throw new UsageError("- is standard input, which can be read once only");
  for (const file of files) {
    if (file === STANDARD) continue;
    const name = path.resolve(context.cwd, file);
    await access(name, constants.R_OK).catch((cause: unknown) => {
      throw unreadable(name, cause);
    });
  }
}

async function importTraces(context: Context, files: readonly string[], options: ImportOptions): Promise<number> {
  if (files.includes(STANDARD)) throw new UsageError("readings come from files, not from standard input");
  const traces: { file: string; absolute: string; sha256: string }[] = [];
  for (const file of files) {
    const absolute = path.resolve(context.cwd, file);
    await checkTraceFile(context, absolute);
    traces.push({ file, absolute, sha256: await sha256File(absolute) });
  }
  const { hubUrl } = await withConnection(context, options, readFleet);
  if (hubUrl === undefined) {
    throw new UnreachableError("no hub is online to take the readings: start one with `edgewatt hub --broker URL`", {
      code: "no-hub",
    });
  }
  const done: { file: string; sha256: string; url: string }[] = [];
  for (const { file, absolute, sha256 } of traces) {
    done.push({ file, sha256, url: await uploadFile(hubUrl, { file: absolute, sha256 }) });
  }
  if (options.json === true) printJson(context, { traces: done });
  else
    print(
      context,
      columns(
        ["FILE", "URL"],
        done.map(({ file, url }) => [file, url]),
      ),
    );
  return 0;
}
