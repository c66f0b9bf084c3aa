import type { ResultRow, Results, Study } from "@edgewatt/protocol";
import { alignOf, alignText } from "../align.ts";
import { ratioText } from "../comparisons.ts";
import { grouped } from "../grouped.ts";
import { listed } from "../listed.ts";
import { costOfMissing, missedCounts } from "../slower/channel-counts.ts";
import { whySlower } from "../slower/why-slower.ts";
import { ratioOf } from "./speed-words.ts";
import { seriesRows, variantName } from "./variant-names.ts";

/** Which channel counts the device's kernels do not take whole, and what that cost. */
export function kernelWords(study: Study, results: Results): string[] {
  const counted = results.rows.filter(({ channels }) => channels !== undefined);
  const off = counted.filter(({ channels }) => (channels?.offLayers ?? 0) > 0);
  if (counted.length === 0) return [];
  const sentences = off.length === 0 ? [allFit(counted)] : [costOfMissing(off), ...whichMiss(off, study)];
  const costs = seriesRows(results.rows).flatMap(({ where, rows }) => alignmentCost(where, rows, results));
  return [...sentences, ...costs, ...(costs.length === 0 ? whySlower(results).map(({ text }) => text) : [])];
}

function allFit(rows: readonly ResultRow[]): string {
  const blocks = [...new Set(rows.map(({ channels }) => channels?.block.channels))];
  return `All channel counts are multiples of ${blocks.join(" or ")}, as the kernels want them.`;
}

/** One sentence for each model, whatever its precision: both have the same counts. */
function whichMiss(off: readonly ResultRow[], study: Study): string[] {
  const models = new Map(off.map((row) => [row.model, row]));
  const unpruned = models.get(study.model);
  return [
    ...(unpruned?.channels === undefined ? [] : [`Of the unpruned model, ${missedCounts(unpruned.channels)}.`]),
    ...[...models.values()].flatMap((row) =>
      row.channels === undefined || row.model === study.model
        ? []
        : [`At ${variantName(row, study)}, ${missedCounts(row.channels)}.`],
    ),
  ];
}

/** What smaller multiples cost at the same fraction, measured side by side: a sentence for each two of them. */
function alignmentCost(where: string, rows: readonly ResultRow[], results: Results): string[] {
  const pairs = rows.flatMap((row) =>
    rows.flatMap((other) => {
      const [align, over] = [alignOf(row), alignOf(other)];
      const related = align !== null && over !== null && align < over && row.pruning === other.pruning;
      const ratio = related ? ratioOf(row, other, results) : null;
      return ratio === null || align === null || over === null ? [] : [{ align, over, fraction: row.pruning, ratio }];
    }),
  );
  return [...grouped(pairs, ({ align, over }) => `${align}/${over}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const texts = group.map(({ fraction, ratio }, index) => {
      const sure = ratio.low95 > 1 || ratio.high95 < 1 ? "" : " (may be no difference)";
      const what = index === 0 ? ` times as long as ${alignText(first.over)}` : "";
      return `${ratioText(ratio)}${what} at ${fraction}${sure}`;
    });
    return [`In ${where} ${alignText(first.align)} take ${listed(texts)}.`];
  });
}
