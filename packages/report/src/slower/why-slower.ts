import { plural, type ResultRow, type Results, type RowChannels } from "@edgewatt/protocol";
import { flagCode } from "../columns.ts";
import { ratioText } from "../comparisons.ts";
import { grouped } from "../grouped.ts";
import { costOfMissing, offCounts } from "./channel-counts.ts";
import { type Inversion, inversions } from "./inversions.ts";

/** Why some rows are slower than larger ones, for one device and precision. */
export interface SlowerNote {
  readonly text: string;
  /** The slower rows. */
  readonly rows: readonly ResultRow[];
}

type Reason = "blocks" | "unknown counts" | "not the counts";

/** Flags of a row that may make it slow whatever the model. */
export const SLOWING =
  /^(undervoltage|throttled|frequency-below-pinned|frequency-not-pinned|temperature-rise|start-temperature|foreign-cpu|swap|not-steady|gc)$/;
/** Processes with the same model differ by so much from one start to the next (docs/measuring.md), and a quick run has one for each row. */
const PROCESS_SPREAD = 0.03;

/** What to say of rows that are slower than larger models: which, by how much, why, and what to try. Nothing where repetition explains it. */
export function whySlower(results: Results): SlowerNote[] {
  const groups = grouped(inversions(results), (one) =>
    JSON.stringify([one.smaller.device, one.smaller.precision, reasonOf(one)]),
  );
  const several = new Set(results.rows.map(({ device }) => device)).size > 1;
  return [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { device, precision } = first.smaller;
    const where = several ? `${precision} on ${device}` : precision;
    const rows = group.map(({ smaller }) => smaller);
    return [{ text: `Slower though smaller (${where}): ${ratiosIn(group)}. ${explained(group, results)}`, rows }];
  });
}

function ratiosIn(group: readonly Inversion[]): string {
  return group
    .map(({ smaller, larger, ratio }) => `${smaller.model} takes ${ratioText(ratio)} times as long as ${larger.model}`)
    .join(", ");
}

function reasonOf({ smaller, larger }: Inversion): Reason {
  if (smaller.channels === undefined || larger.channels === undefined) return "unknown counts";
  if (smaller.channels.offLayers === 0) return "not the counts";
  const only = comparable(smaller.channels, larger.channels).some(
    (layer) => !larger.channels?.off.some((other) => other.layer === layer),
  );
  return only || smaller.channels.offLayers > larger.channels.offLayers ? "blocks" : "not the counts";
}

/** Layers that miss the block in a model, as far as the other one's list reaches: both have the order of the file, and long ones are cut. */
function comparable({ off }: RowChannels, other: RowChannels): string[] {
  const layers = off.map(({ layer }) => layer);
  if (other.off.length === other.offLayers) return layers;
  const known = new Set(other.off.map(({ layer }) => layer));
  return layers.slice(0, layers.findLastIndex((layer) => known.has(layer)) + 1);
}

function explained(group: readonly Inversion[], results: Results): string {
  const [first] = group;
  if (first === undefined) return "";
  const { smaller, larger } = first;
  switch (reasonOf(first)) {
    case "blocks":
      return [
        ...group.flatMap(({ smaller: { model, channels } }) =>
          channels === undefined ? [] : [`Of ${model}, ${offCounts(channels)}.`],
        ),
        costOfMissing(group.map((one) => one.smaller)),
        `Try: prune in multiples of ${smaller.channels?.block.channels ?? 16} (--align ${smaller.channels?.block.channels ?? 16}).`,
      ].join(" ");
    case "unknown counts":
      return "The channel counts of these rows are not known; counts that are no multiples of 16 (8 with AVX2) are the usual reason. Try: measure them again, or prune in multiples of 16 (--align 16).";
    case "not the counts":
      return `${countsClause(first)} ${otherReason(group, results, larger)}`;
  }
}

function countsClause({ smaller: { channels } }: Inversion): string {
  const block = channels?.block.channels ?? 16;
  return channels?.offLayers === 0
    ? `Their channel counts are all multiples of ${block}, so these are not the reason.`
    : `Their channel counts miss multiples of ${block} in the same layers as the larger model's, so these are not the reason.`;
}

function otherReason(group: readonly Inversion[], results: Results, larger: ResultRow): string {
  const flags = new Set(
    group
      .flatMap((one) => [...one.smaller.flags, ...one.larger.flags])
      .map(flagCode)
      .filter((code) => SLOWING.test(code)),
  );
  if (flags.size > 0)
    return `The rows carry the ${plural(flags.size, "flag", "flags")} ${[...flags].join(", ")}: cure that and measure again.`;
  const small = group.every(({ ratio }) => ratio.value < 1 + PROCESS_SPREAD);
  if (small && (larger.method ?? results.method).quick)
    return "A quick run has one process for each row, and processes with the same model differ by as much as this: measure in full.";
  const { threads } = larger.factors;
  return threads > 1
    ? `Try --threads 1: with ${threads} threads small layers may take longer to hand over than to compute.`
    : "Try `edgewatt sensitivity` on both: it shows which layers take the time.";
}
