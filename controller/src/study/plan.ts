import type { Precision, PruneOptions } from "@edgewatt/protocol";
import { UsageError } from "../errors.ts";

/** A model that a study prunes. */
export interface Variant {
  readonly fraction: number;
  readonly align: PruneOptions["align"];
}

export interface StudyPlan {
  /** Whether the model itself is measured. */
  readonly unpruned: boolean;
  /** One prune job for each. */
  readonly variants: readonly Variant[];
  readonly precisions: readonly Precision[];
}

/** What a benchmark job takes (`benchmarkArgsSchema`). */
const MOST_ROWS = 64;

/**
 * The jobs of a study: the model itself where 0 is among the fractions, and each other fraction in each alignment, by rising fraction, with
 * the widest blocks first. What is named twice is done once.
 * @throws {UsageError} where that is more than one job can measure, as rows of two jobs cannot be compared block by block
 */
export function planStudy(options: {
  readonly fractions: readonly number[];
  readonly align: readonly string[];
  readonly precisions: readonly Precision[];
}): StudyPlan {
  const fractions = [...new Set(options.fractions)].sort((a, b) => a - b);
  const aligns = ([16, 8, 1] as const).filter((align) => options.align.includes(String(align)));
  const precisions = [...new Set(options.precisions)];
  const variants = fractions
    .filter((fraction) => fraction > 0)
    .flatMap((fraction) => aligns.map((align) => ({ fraction, align })));
  const unpruned = fractions.includes(0);
  const rows = (variants.length + (unpruned ? 1 : 0)) * precisions.length;
  if (rows > MOST_ROWS) {
    throw new UsageError(
      `--fractions, --align and --precisions make ${rows} rows, and one job measures up to ${MOST_ROWS}: name fewer, as rows of two jobs cannot be compared`,
    );
  }
  return { unpruned, variants, precisions };
}
