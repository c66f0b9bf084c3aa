import { z } from "zod";
import { lineageSchema } from "./lineage.ts";
import { sha256 } from "./schemas.ts";

/**
 * A file that a command or a result names: fetched over HTTP with Range resume, or read in place through a `file:` URL
 * by an agent on the same machine; either way the receiver checks `sha256` and `bytes`.
 */
export const artifactSchema = z.looseObject({
  name: z.string().min(1).max(200),
  url: z.url({ protocol: /^(https?|file)$/ }),
  sha256,
  bytes: z.number().int().positive(),
  kind: z.enum(["model", "cifar", "npy", "trace", "result"]),
});
export type Artifact = z.infer<typeof artifactSchema>;

/** What a registry knows of a model beyond its bytes; it travels with the model into results. */
export const modelArtifactSchema = artifactSchema.extend({
  kind: z.literal("model"),
  /** Parameters of the float model before folding: weights, biases, batch-norm scale and shift. */
  params: z.number().int().positive().optional(),
  /** Fraction of the channels that were pruned, 0 to 1. */
  pruning: z.number().min(0).max(1).nullable().optional(),
  fineTuneEpochs: z.number().int().nonnegative().nullable().optional(),
  /** Per-channel mean and standard deviation of the input after division by 255. */
  mean: z.array(z.number()).optional(),
  std: z.array(z.number()).optional(),
  /** What it was made from, as far as edgewatt made it. */
  lineage: lineageSchema.optional(),
});
export type ModelArtifact = z.infer<typeof modelArtifactSchema>;
