import type { ResultRow, Study } from "@edgewatt/protocol";
import { alignOf, alignText } from "../align.ts";

/** `unpruned`, `pruned by 0.3`; with the multiples of channels where the study has several. */
export function variantName(row: ResultRow, study: Study): string {
  if (row.model === study.model) return "the unpruned model";
  const align = alignOf(row);
  const several = new Set(study.variants.map((variant) => variant.align)).size > 1;
  const how = several && align !== null ? ` in ${alignText(align)}` : "";
  const fraction = study.variants.find(({ model }) => model === row.model)?.fraction ?? row.pruning;
  return `${fraction}${how}`;
}

/** Devices, each with its precisions, in the order of the rows. */
export function seriesRows(rows: readonly ResultRow[]): { where: string; rows: ResultRow[] }[] {
  const several = new Set(rows.map(({ device }) => device)).size > 1;
  const series = new Map<string, ResultRow[]>();
  for (const row of rows) {
    const where = several ? `${row.precision} on ${row.device}` : row.precision;
    series.set(where, [...(series.get(where) ?? []), row]);
  }
  return [...series].map(([where, own]) => ({ where, rows: own }));
}
