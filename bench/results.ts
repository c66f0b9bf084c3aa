import { writeFile } from "node:fs/promises";
import { availableParallelism, cpus, totalmem } from "node:os";
import process from "node:process";
import type { BenchResult } from "./suite.ts";

/** `bench/results.json`. */
export interface BenchDocument {
  readonly schema: "edgewatt.bench/1";
  readonly created: string;
  readonly machine: {
    readonly cpu: string;
    readonly cores: number;
    /** 10^6 bytes. */
    readonly memoryMb: number;
    readonly node: string;
  };
  readonly results: readonly BenchResult[];
}

export function makeDocument(results: readonly BenchResult[], now: Date): BenchDocument {
  return {
    schema: "edgewatt.bench/1",
    created: now.toISOString(),
    machine: {
      cpu: cpus()[0]?.model.trim() ?? "unknown",
      cores: availableParallelism(),
      memoryMb: Math.round(totalmem() / 1e6),
      node: process.version,
    },
    results,
  };
}

export async function writeDocument(path: string, document: BenchDocument): Promise<void> {
  await writeFile(path, `${JSON.stringify(document, null, 2)}\n`);
}

const HEADINGS = ["benchmark", "ours", "peer", "unit", "ratio", "goal", ""] as const;

/** Results as aligned text, notes beneath the table. */
export function renderTable(results: readonly BenchResult[]): string {
  const rows = [
    [...HEADINGS],
    ...results.map((result) => [
      result.name,
      figure(result.value),
      figure(result.peerValue),
      result.unit,
      figure(result.ratio),
      result.goal ?? "",
      result.ok === null ? "" : result.ok ? "reached" : "missed",
    ]),
  ];
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  const notes = results.filter(({ note }) => note !== null).map(({ name, note }) => `${name}: ${note ?? ""}`);
  return [...lines, ...(notes.length === 0 ? [] : ["", ...notes])].join("\n");
}

function figure(value: number | null): string {
  return value === null ? "–" : Math.abs(value) >= 100 ? value.toFixed(1) : value.toFixed(3);
}
