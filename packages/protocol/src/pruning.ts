import { z } from "zod";
import { modelArtifactSchema, type ModelArtifact } from "./artifact.ts";
import { calibrationSchema, fullResultSchema, uploadUrl } from "./jobs.ts";
import { alignmentSchema, allocationSchema, criterionSchema, fractionSchema } from "./lineage.ts";
import { count } from "./schemas.ts";

/**
 * How a model loses channels. Strict: an option that this agent does not know would give another model than the one that was asked for, so
 * such a job is rejected.
 */
export const pruneOptionsSchema = z.strictObject({
  /** Share of the channels of each group that go. */
  fraction: fractionSchema,
  /** Multiple that channel counts are rounded to; 1: exact fractions. */
  align: alignmentSchema.default(16),
  /** What channels are chosen by: what the layers behind lose, or the size of their weights. */
  by: criterionSchema.default("error"),
  /** The same fraction for all layers, or more for those that lose less by it. */
  allocate: allocationSchema.default("uniform"),
  /** Calibration images, the first ones in file order. */
  images: z.number().int().min(1).max(100_000).default(1000),
  /** Per-channel mean and standard deviation of the input after division by 255, in place of the model's own. */
  mean: z.array(z.number()).min(1).exactOptional(),
  std: z.array(z.number().positive()).min(1).exactOptional(),
  /** The input's sides, where the model leaves them open. */
  inputShape: z.array(z.number().int().positive()).min(1).exactOptional(),
});
export type PruneOptions = z.infer<typeof pruneOptionsSchema>;

export const pruneArgsSchema = z.looseObject({
  model: modelArtifactSchema,
  calibration: calibrationSchema,
  options: pruneOptionsSchema,
  upload: uploadUrl,
});
export type PruneArgs = z.infer<typeof pruneArgsSchema>;

const beforeAfter = z.looseObject({ before: count, after: count });

/** What the pruner did, as `edgewatt prune --local --json` prints it. */
export const pruneReportSchema = z.looseObject({
  fraction: fractionSchema,
  align: alignmentSchema,
  by: criterionSchema,
  allocate: allocationSchema,
  params: beforeAfter,
  bytes: beforeAfter,
  channels: z.array(beforeAfter.extend({ name: z.string() })),
  /** Layers that keep all their channels, and why. */
  left: z.array(z.looseObject({ name: z.string(), reason: z.string() })),
  calibration: z.looseObject({ kind: z.string(), images: count }),
  wallS: z.number(),
  peakMemoryMb: z.number(),
});
export type PruneReport = z.infer<typeof pruneReportSchema>;

/** Result of a `prune` job. */
export const pruneResultSchema = z.looseObject({
  /** The name of the model that was given. */
  model: z.string(),
  /** The pruned model, with its parameters, its pruning fraction and its lineage. */
  artifact: modelArtifactSchema,
  report: pruneReportSchema,
  cached: z.boolean(),
  full: fullResultSchema,
});
export type PruneResult = z.infer<typeof pruneResultSchema>;

const MAX_NAME = 200;

/** What a pruned model is called unless told: `mobilenetv1-pruned-30-align16`, and what differs from the defaults behind it. */
export function prunedName(
  model: string,
  { fraction, align, by, allocate }: Pick<PruneOptions, "fraction" | "align" | "by" | "allocate">,
): string {
  const percent = String(Number((100 * fraction).toPrecision(12)));
  const suffix = [
    `-pruned-${percent.padStart(2, "0")}-align${align}`,
    ...(by === "error" ? [] : [`-${by}`]),
    ...(allocate === "uniform" ? [] : [`-allocate-${allocate}`]),
  ].join("");
  return model.slice(0, MAX_NAME - suffix.length) + suffix;
}

/**
 * The pruning fraction of a model that was pruned, of the model that all began with: what is left of what was left, 1 - (1 - f₁)(1 - f₂).
 * A model of which no pruning is known counts as the beginning.
 */
export function totalPruning({ pruning }: Pick<ModelArtifact, "pruning">, fraction: number): number {
  return Number((1 - (1 - (pruning ?? 0)) * (1 - fraction)).toPrecision(12));
}
