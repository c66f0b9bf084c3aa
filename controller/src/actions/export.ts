import path from "node:path";
import { DatabaseClient, measurementNames, measurementNameOf, readPoints } from "@edgewatt/database";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { UnreachableError } from "@edgewatt/runtime";
import { withConnection } from "../client/broker.ts";
import { findDatabase } from "../client/database.ts";
import { readFleet } from "../client/fleet.ts";
import { readRun, resultsOf } from "../client/runs.ts";
import { columns, figure, megabytes } from "../columns.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { ControllerError, UsageError } from "../errors.ts";
import type { BrokerOption, DatabaseOption } from "../options.ts";
import { Progress } from "../progress.ts";
import { dayFiles, type LineFilter, linesOfFiles } from "../telemetry/day-files.ts";
import { STANDARD, writeOut } from "../telemetry/output.ts";
import { fetchTrace } from "../telemetry/traces.ts";

export interface ExportOptions extends DatabaseOption, BrokerOption {
  readonly out: string;
  readonly gzip?: true;
  readonly files?: true;
  readonly from?: Date;
  readonly to?: Date;
  readonly device?: readonly string[];
  readonly measurement?: readonly string[];
  readonly policy?: string;
  readonly traces?: string;
}

interface Source {
  /** Address or folder, for people. */
  readonly name: string;
  readonly lines: AsyncIterable<readonly string[]>;
}

/** Telemetry as line protocol, or the full-rate readings of a job. */
export async function exportTelemetry(context: Context, options: ExportOptions): Promise<void> {
  if (options.traces !== undefined) return exportTraces(context, options.traces, options);
  if (options.json === true && options.out === STANDARD) {
    throw new UsageError("--json takes standard output for its document: name a file with --out");
  }
  if (options.from !== undefined && options.to !== undefined && options.from >= options.to) {
    throw new UsageError("--from must be before --to");
  }
  const startedMs = performance.now();
  using progress = new Progress(context);
  const source = await openSource(context, options);
  const points = new Map<string, number>();
  const parts = async function* (): AsyncGenerator<string> {
    let count = 0;
    for await (const lines of source.lines) {
      context.signal.throwIfAborted();
      for (const line of lines) {
        const name = measurementNameOf(line);
        points.set(name, (points.get(name) ?? 0) + 1);
      }
      count += lines.length;
      progress.update("export", `${count} points`);
      yield `${lines.join("\n")}\n`;
    }
  };
  const bytes = await writeOut(context, { out: options.out, gzip: options.gzip ?? false }, parts());
  const measurements = Object.fromEntries(points);
  const total = [...points.values()].reduce((sum, count) => sum + count, 0);
  if (options.json === true) {
    const wallS = (performance.now() - startedMs) / 1000;
    return printJson(context, { source: source.name, out: options.out, points: total, measurements, bytes, wallS });
  }
  say(context, `${total} points from ${source.name}${bytes === null ? "" : `, ${megabytes(bytes)}`}`);
}

async function openSource(context: Context, options: ExportOptions): Promise<Source> {
  const data = path.resolve(context.cwd, options.data);
  const url = options.files === true ? undefined : await findDatabase(context, options);
  const filter: LineFilter = {
    from: options.from,
    to: options.to,
    devices: options.device,
    measurements: options.measurement,
  };
  if (url !== undefined) {
    const { influxUser: user, influxPassword: password } = options;
    const client = new DatabaseClient({ url, user, password, signal: context.signal });
    const stored = await measurementNames(client);
    const names = options.measurement ?? stored;
    checkMeasurements(names, stored);
    return { name: client.address, lines: pointsOf(client, names, { ...filter, policy: options.policy }) };
  }
  const files = await dayFiles(data);
  if (files.length > 0) return { name: path.join(data, "telemetry"), lines: linesOfFiles(context, files, filter) };
  if (options.files === true) {
    throw new ControllerError(
      `there are no files of telemetry in ${path.join(data, "telemetry")}: ingest writes them where it has no database; without --files the database is read`,
      { code: "no-telemetry", context: { data } },
    );
  }
  throw new UnreachableError(
    `no stack with a database runs on the data folder ${data}, which has no files of telemetry either: start it with \`edgewatt up\`, or name a database with --influx`,
    { code: "no-telemetry", context: { data } },
  );
}

/** A name that is neither known nor stored is a slip, and would give an empty file. @throws {UsageError} */
function checkMeasurements(names: readonly string[], stored: readonly string[]): void {
  const known = new Set([...Object.values(MEASUREMENTS).map(({ name }) => name), ...stored]);
  const unknown = names.filter((name) => !known.has(name));
  if (unknown.length === 0) return;
  throw new UsageError(`--measurement ${unknown.join(",")}: known are ${[...known].join(", ")}`);
}

async function* pointsOf(
  client: DatabaseClient,
  measurements: readonly string[],
  { from, to, devices, policy }: LineFilter & { readonly policy: string | undefined },
): AsyncGenerator<readonly string[]> {
  for (const measurement of measurements) yield* readPoints(client, { measurement, from, to, devices, policy });
}

async function exportTraces(context: Context, job: string, options: ExportOptions): Promise<void> {
  if (options.out === STANDARD) throw new UsageError("--traces writes several files: name a folder with --out");
  const { run, hubUrl } = await withConnection(context, options, async (connection) => ({
    run: await readRun(connection, job),
    hubUrl: (await readFleet(connection)).hubUrl,
  }));
  const rows = (resultsOf(run)?.rows ?? []).flatMap(({ trace, run: row }) => (trace ? [{ trace, row }] : []));
  if (rows.length === 0) {
    throw new ControllerError(`job ${job} has no full-rate readings: only a benchmark with power that succeeded does`, {
      code: "no-traces",
      context: { job },
    });
  }
  const dir = path.resolve(context.cwd, options.out);
  using progress = new Progress(context);
  const files: { run: string; file: string; sha256: string; bytes: number }[] = [];
  for (const { trace, row } of rows) {
    progress.update("traces", trace.name);
    const file = await fetchTrace(context, trace, { dir, hubUrl, dataDir: path.resolve(context.cwd, options.data) });
    files.push({ run: row, file, sha256: trace.sha256, bytes: trace.bytes });
  }
  if (options.json === true) return printJson(context, { job, traces: files });
  print(
    context,
    columns(
      ["RUN", "SIZE", "FILE"],
      files.map(({ run: row, file, bytes }) => [row, figure(bytes / 1e3, 1, "kB"), file]),
    ),
  );
}
