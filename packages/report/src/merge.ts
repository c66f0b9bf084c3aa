import { RESULTS_SCHEMA, type ResultDevice, type ResultMethod, type ResultRow, type Results } from "@edgewatt/protocol";
import { ReportError } from "./errors.ts";

/**
 * One document out of several: the newest row of each device, model and precision; the newest description of each
 * device; the method of the newest document. A row measured by another method keeps that method beside it.
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
      rows.set(key, withMethod({ ...row, created }, methodOf(row, document), newest.method));
    }
  }
  return {
    ...newest,
    schema: RESULTS_SCHEMA,
    devices: [...devices.values()].sort((a, b) => compareText(a.id, b.id)),
    rows: [...rows.values()].sort(compareRows),
  };
}

/** The method by which a row was measured. */
export function methodOf(row: ResultRow, results: Results): ResultMethod {
  return row.method ?? results.method;
}

function withMethod<R extends ResultRow>(row: R, method: ResultMethod, common: ResultMethod): R {
  const { method: _, ...rest } = row;
  return (JSON.stringify(method) === JSON.stringify(common) ? rest : { ...rest, method }) as R;
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
