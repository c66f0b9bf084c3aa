import { lineageSchema } from "@edgewatt/protocol";
import { z } from "zod";

export const MODELS_SCHEMA = "edgewatt.models/1";

const entrySchema = z.looseObject({
  name: z.string().min(1).max(200),
  /** Relative to the manifest. */
  file: z.string().min(1),
  architecture: z.string().optional(),
  /** Fraction of the channels that were pruned. */
  pruning: z.number().min(0).max(1).nullable().optional(),
  fineTuneEpochs: z.number().int().nonnegative().nullable().optional(),
  /** Of the float model, before folding. */
  params: z.number().int().positive(),
  bytes: z.number().int().positive(),
  sha256: z.string(),
  opset: z.number().int().optional(),
  input: z.looseObject({
    name: z.string(),
    shape: z.array(z.union([z.string(), z.number()])),
    mean: z.array(z.number()).optional(),
    std: z.array(z.number()).optional(),
  }),
  output: z.looseObject({ name: z.string(), shape: z.array(z.union([z.string(), z.number()])) }),
  labels: z.array(z.string()).optional(),
  /** What it was made from, as far as edgewatt made it. */
  lineage: lineageSchema.optional(),
  accuracy: z.looseObject({ percent: z.number(), dataset: z.string(), runtime: z.string() }).optional(),
});
/** What is known of one model. */
export type ModelEntry = z.infer<typeof entrySchema>;

/** `manifest.json`, in the model zoo and in `DATA/models`. */
export const manifestSchema = z.looseObject({ schema: z.literal(MODELS_SCHEMA), models: z.array(entrySchema) });
