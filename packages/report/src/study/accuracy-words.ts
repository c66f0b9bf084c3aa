import { plural, type ResultRow, type Results, type Study } from "@edgewatt/protocol";
import { alignOf } from "../align.ts";
import { COLUMNS, whyBlank } from "../columns.ts";
import { listed } from "../listed.ts";
import { methodOf } from "../merge.ts";
import { formatCount } from "../number-format.ts";
import { seriesRows, variantName } from "./variant-names.ts";

/** How accuracy changed with pruning and with int8, and which differences are too small to be told. */
export function accuracyWords(study: Study, results: Results): string[] {
  const known = results.rows.filter(({ accuracyPct }) => accuracyPct !== null);
  if (known.length === 0) return [whyNone(results.rows)];
  return [...seriesRows(known).flatMap(({ where, rows }) => change(where, rows, study)), ...chance(known, results)];
}

function whyNone(rows: readonly ResultRow[]): string {
  const column = COLUMNS.find(({ key }) => key === "accuracyPct");
  const reasons = column === undefined ? [] : rows.flatMap((row) => whyBlank(column, row));
  return `Not measured: ${listed([...new Set(reasons)].map((reason) => reason.replace(/^[a-z-]+: /, "").replace(/; `.*/, "")))}. So nothing here says what pruning cost in accuracy: test a model on your own labelled images before you take it.`;
}

function change(where: string, rows: readonly ResultRow[], study: Study): string[] {
  const base = rows.find(({ model }) => model === study.model);
  const pruned = rows
    .filter((row) => row !== base)
    .toSorted((a, b) => (a.pruning ?? 0) - (b.pruning ?? 0) || (alignOf(b) ?? 0) - (alignOf(a) ?? 0));
  const values = pruned.map((row) => `${pct(row)} at ${variantName(row, study)}`);
  if (base === undefined) return [`In ${where} it is ${listed(values)}.`];
  const unpruned = `In ${where} the unpruned model has ${pct(base)}`;
  return [values.length === 0 ? `${unpruned}.` : `${unpruned}; pruned it has ${listed(values)}.`];
}

/**
 * The 95 % half-width of one accuracy on n images by the normal approximation of the binomial, 1.96 √(p (1 - p) ÷ n); models that see the same
 * images differ by less than two of them would by chance, so this errs on the side of caution.
 */
function chance(known: readonly ResultRow[], results: Results): string[] {
  const [first] = known;
  const images = first === undefined ? 0 : methodOf(first, results).accuracyImages;
  if (images === 0) return [];
  const widest = Math.max(...known.map(({ accuracyPct }) => Number(accuracyPct) / 100).map((p) => p * (1 - p)));
  const halfWidth = 100 * 1.96 * Math.sqrt(widest / images);
  return [
    `On ${formatCount(images)} test ${plural(images, "image")} one figure is sure to about ±${halfWidth.toFixed(1)} points, so smaller differences may be chance.`,
  ];
}

function pct({ accuracyPct }: ResultRow): string {
  return `${Number(accuracyPct).toFixed(2)} %`;
}
