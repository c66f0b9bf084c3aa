import { z } from "zod";
import { count, sha256 } from "./schemas.ts";

/** Shares of channels: from 0 up to below 1, as a layer without channels is none. */
export const fractionSchema = z.number().min(0).lt(1);
export const alignmentSchema = z.union([z.literal(16), z.literal(8), z.literal(1)]);
export const criterionSchema = z.enum(["error", "l1"]);
export const allocationSchema = z.enum(["uniform", "error"]);

/** What every step of a lineage says. */
const stepShape = {
  /** The model that this one was made from. */
  from: z.looseObject({ name: z.string().min(1).max(200), sha256 }),
  /** The data that was used; a digest where it was a file, none where it was generated. */
  calibration: z.looseObject({ kind: z.string(), images: count, sha256: sha256.nullable() }),
  created: z.iso.datetime(),
  /** The device that did it; `null`: the machine that the command ran on, without an agent. */
  device: z.string().nullable(),
};

/** One way of making a model from another one. */
export const lineageStepSchema = z.discriminatedUnion("op", [
  z.looseObject({
    op: z.literal("prune"),
    ...stepShape,
    /** Of the model that it was made from. */
    fraction: fractionSchema,
    align: alignmentSchema,
    by: criterionSchema,
    allocate: allocationSchema,
    /** Version of the pruner: what another version makes of the same may differ. */
    version: count,
  }),
  z.looseObject({
    op: z.literal("quantize"),
    ...stepShape,
    format: z.string(),
    method: z.string(),
    techniques: z.array(z.string()),
    /** Version of the quantizer. */
    version: count,
  }),
]);
export type LineageStep = z.infer<typeof lineageStepSchema>;

/** How a model came about from one that was given, the first step first. */
export const lineageSchema = z.array(lineageStepSchema);
export type Lineage = z.infer<typeof lineageSchema>;
