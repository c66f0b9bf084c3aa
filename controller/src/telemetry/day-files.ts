import { readdir } from "node:fs/promises";
import path from "node:path";
import { headOfLine, readLines } from "@edgewatt/database";
import { systemErrorCode } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import { readIn } from "./input.ts";

/** Which lines to take; what is left out is no condition. */
export interface LineFilter {
  readonly from?: Date | undefined;
  /** Not included. */
  readonly to?: Date | undefined;
  readonly devices?: readonly string[] | undefined;
  readonly measurements?: readonly string[] | undefined;
}

const NS_PER_MS = 1_000_000n;

/** The files that ingest writes where it has no database, oldest first. */
export async function dayFiles(dataDir: string): Promise<string[]> {
  const dir = path.join(dataDir, "telemetry");
  try {
    const names = (await readdir(dir)).filter((name) => /^\d{4}-\d\d-\d\d\.lp(\.gz)?$/.test(name));
    return names.toSorted().map((name) => path.join(dir, name));
  } catch (error) {
    if (systemErrorCode(error) === "ENOENT") return [];
    throw error;
  }
}

/** Whether a line whose timestamp is in ns is chosen. */
function isChosen(line: string, { from, to, devices, measurements }: LineFilter): boolean {
  const { measurement, tags, time } = headOfLine(line);
  if (measurements?.includes(measurement) === false) return false;
  if (devices?.includes(tags.get("device") ?? "") === false) return false;
  if (from === undefined && to === undefined) return true;
  if (time === undefined) return false;
  return (
    (from === undefined || time >= BigInt(from.getTime()) * NS_PER_MS) &&
    (to === undefined || time < BigInt(to.getTime()) * NS_PER_MS)
  );
}

/** The chosen lines of files, as they stand there. @throws {FileError} */
export async function* linesOfFiles(
  context: Context,
  files: readonly string[],
  filter: LineFilter,
): AsyncGenerator<string[]> {
  for (const file of files) {
    let batch: string[] = [];
    for await (const { line } of readLines(readIn(context, file))) {
      if (!isChosen(line, filter)) continue;
      batch.push(line);
      if (batch.length < BATCH_LINES) continue;
      yield batch;
      batch = [];
    }
    if (batch.length > 0) yield batch;
  }
}

const BATCH_LINES = 1000;
