import type { Comparison, ResultRow, Results, Study } from "@edgewatt/protocol";
import { ratioText } from "../comparisons.ts";
import { listed } from "../listed.ts";
import { formatWithHalfWidth } from "../number-format.ts";
import { seriesRows, variantName } from "./variant-names.ts";

/** How much faster pruning made the model in each precision, and int8 beside that. */
export function speedWords(study: Study, results: Results): string[] {
  return [
    ...seriesRows(results.rows).flatMap(({ where, rows }) => fastest(where, rows, { study, results })),
    ...quantizedWords(study, results),
  ];
}

function fastest(where: string, rows: readonly ResultRow[], all: { study: Study; results: Results }): string[] {
  const { study, results } = all;
  const timed = rows.filter(({ latencyMs }) => latencyMs.mean !== null);
  const base = timed.find(({ model }) => model === study.model);
  const best = timed.toSorted((a, b) => Number(a.latencyMs.mean) - Number(b.latencyMs.mean))[0];
  if (best === undefined || timed.length < 2) return [];
  const time = `${formatWithHalfWidth(Number(best.latencyMs.mean), best.latencyMs.halfWidth95)} ms an image`;
  if (best === base) return [`In ${where} no pruned model is faster than the unpruned one (${time}).`];
  const ratio = base === undefined ? undefined : ratioOf(best, base, results);
  const over =
    ratio === undefined || ratio === null ? "" : `, ${ratioText(ratio)} of the unpruned model's time${doubt(ratio)}`;
  return [`In ${where} the fastest is the model pruned by ${variantName(best, study)}: ${time}${over}.`];
}

/** An interval that holds 1 tells no difference. */
function doubt({ low95, high95 }: NonNullable<Comparison["latency"]>): string {
  return low95 < 1 && high95 > 1 ? ", which is no difference that these windows can tell" : "";
}

function quantizedWords(study: Study, { comparisons = [] }: Results): string[] {
  const found = comparisons.filter(
    ({ numerator, denominator, latency }) =>
      numerator.model === study.model && denominator.model === study.model && latency !== null,
  );
  const several = new Set(found.map(({ device }) => device)).size > 1;
  const texts = found.flatMap(({ device, latency }) =>
    latency === null
      ? []
      : [`${ratioText(latency)} of the time of fp32${several ? ` on ${device}` : ""}${doubt(latency)}`],
  );
  return texts.length === 0 ? [] : [`Of the unpruned model int8 takes ${listed(texts)}.`];
}

/** The paired ratio of latency of two rows, where the job that measured both has it. */
export function ratioOf(of: ResultRow, over: ResultRow, { comparisons = [] }: Results): Comparison["latency"] {
  const found = comparisons.find(
    ({ device, numerator, denominator }) =>
      device === of.device && numerator.run === of.run && denominator.run === over.run,
  );
  return found?.latency ?? null;
}
