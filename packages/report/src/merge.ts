import {
  RESULTS_SCHEMA,
  type Comparison,
  type ResultDevice,
  type ResultMethod,
  type ResultRow,
  type Results,
} from "@edgewatt/protocol";
import { ReportError } from "./errors.ts";
import { powerSourceOf } from "./power-source.ts";

/**
 * One document out of several: the newest row of each device, model and precision; the newest description of each
 * device; the method of the newest document. A row measured by another method, or with another power source than its device
 * has by now, keeps that beside it.
 * @throws {ReportError} code `no-results` when there is nothing to merge
 */
export function mergeResults(documents: readonly Results[]): Results {
  const oldestFirst = [...documents].sort((a, b) => Date.parse(a.created) - Date.parse(b.created));
  const newest = oldestFirst.at(-1);
  if (newest === undefined) {
    throw new ReportError("cannot merge results: there are none; run `edgewatt benchmark` first", {
      code: "no-results",
    });
  }
  const devices = new Map<string, ResultDevice>();
  const rows = new Map<string, ResultRow & { created: string }>();
  for (const document of oldestFirst) {
    for (const device of document.devices) devices.set(device.id, device);
    for (const row of document.rows) {
      const key = JSON.stringify([row.device, row.model, row.precision]);
      const created = row.created ?? document.created;
      const known = rows.get(key);
      if (known !== undefined && Date.parse(known.created) > Date.parse(created)) continue;
      const powerSource = powerSourceOf(row, document);
      rows.set(key, withMethod({ ...row, created, powerSource }, methodOf(row, document), newest.method));
    }
  }
  const merged = [...rows.values()];
  const united = [...devices.values()].sort((a, b) => compareText(a.id, b.id));
  const { comparisons: _, study: __, ...document } = newest;
  return {
    ...document,
    schema: RESULTS_SCHEMA,
    devices: united,
    rows: merged.map((row) => withPowerSource(row, united)).sort(compareRows),
    ...comparisonsOf(documents, merged),
  };
}

/** Ratios both of whose rows are still there: a ratio belongs to the two runs that were measured block by block. */
function comparisonsOf(
  documents: readonly Results[],
  rows: readonly ResultRow[],
): Pick<Results, "comparisons"> | undefined {
  const keyOf = (device: string, run: string) => JSON.stringify([device, run]);
  const runs = new Set(rows.map(({ device, run }) => keyOf(device, run)));
  const kept = new Map<string, Comparison>();
  for (const comparison of documents.flatMap(({ comparisons = [] }) => comparisons)) {
    const { device, numerator, denominator } = comparison;
    if (!runs.has(keyOf(device, numerator.run)) || !runs.has(keyOf(device, denominator.run))) continue;
    kept.set(JSON.stringify([device, numerator.run, denominator.run]), comparison);
  }
  const sorted = [...kept].sort(([a], [b]) => compareText(a, b)).map(([, comparison]) => comparison);
  return sorted.length === 0 ? undefined : { comparisons: sorted };
}

/** The method by which a row was measured. */
export function methodOf(row: ResultRow, results: Results): ResultMethod {
  return row.method ?? results.method;
}

function withMethod<R extends ResultRow>(row: R, method: ResultMethod, common: ResultMethod): R {
  const { method: _, ...rest } = row;
  return (JSON.stringify(method) === JSON.stringify(common) ? rest : { ...rest, method }) as R;
}

/** Only a source that differs from the device's stands in the row. */
function withPowerSource(row: ResultRow, devices: readonly ResultDevice[]): ResultRow {
  const { powerSource: _, ...rest } = row;
  return powerSourceOf(rest, { devices: [...devices] }) === row.powerSource ? rest : row;
}

function compareRows(a: ResultRow, b: ResultRow): number {
  return (
    compareText(a.device, b.device) ||
    (a.pruning ?? Number.MAX_VALUE) - (b.pruning ?? Number.MAX_VALUE) ||
    compareText(a.model, b.model) ||
    compareText(a.precision, b.precision)
  );
}

/** By code unit: the order must not depend on the machine's locale. */
function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
