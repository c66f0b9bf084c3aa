import { JOB_STATES, isTerminal } from "@edgewatt/protocol";
import type { MemoryUse } from "./memory.ts";
import type { TrialResult } from "./run.ts";

const ENDS = JOB_STATES.filter(isTerminal);

/** One line per fault and target: what it met and what came of it. */
export function faultTable(results: readonly TrialResult[]): string {
  const groups = groupBy(results);
  const header = ["fault", "target", "trials", "failed", "points", "lost", "doubled", ...ENDS, "longest recovery s"];
  const rows = [...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => row(group));
  return table([header, ...rows, ["all", "", ...row(results).slice(2)]]);
}

export function memoryTable(uses: readonly MemoryUse[]): string {
  const header = ["process", "longest life min", "first MB", "last MB", "max MB", "MB per hour"];
  return table([
    header,
    ...uses.map(({ name, lifeS, firstMb, lastMb, maxMb, slopeMbPerH }) => [
      name,
      (lifeS / 60).toFixed(1),
      firstMb.toFixed(0),
      lastMb.toFixed(0),
      maxMb.toFixed(0),
      slopeMbPerH === null ? "" : slopeMbPerH.toFixed(1),
    ]),
  ]);
}

function row(group: readonly TrialResult[]): string[] {
  const sum = (figure: (result: TrialResult) => number) => String(group.reduce((total, one) => total + figure(one), 0));
  return [
    group[0]?.trial.fault ?? "",
    group[0]?.trial.target ?? "",
    String(group.length),
    sum(({ problems }) => (problems.length > 0 ? 1 : 0)),
    sum(({ taken }) => taken),
    sum(({ lost }) => lost),
    sum(({ doubled }) => doubled),
    ...ENDS.map((end) => sum(({ ends }) => ends[end] ?? 0)),
    Math.max(0, ...group.map(({ recoveryS }) => recoveryS)).toFixed(1),
  ];
}

function groupBy(results: readonly TrialResult[]): Map<string, TrialResult[]> {
  const groups = new Map<string, TrialResult[]>();
  for (const result of results) {
    const key = `${result.trial.target} ${result.trial.fault}`;
    groups.set(key, [...(groups.get(key) ?? []), result]);
  }
  return groups;
}

function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((cells) => cells[column]?.length ?? 0)));
  return rows
    .map((cells) =>
      cells.map((cell, i) => (i < 2 ? cell.padEnd(widths[i] ?? 0) : cell.padStart(widths[i] ?? 0))).join("  "),
    )
    .join("\n");
}
