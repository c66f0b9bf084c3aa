import { z } from "zod";
import { alignmentSchema, allocationSchema, criterionSchema, fractionSchema } from "./lineage.ts";
import { count } from "./schemas.ts";

const cut = { fraction: fractionSchema, align: alignmentSchema };

/** What `edgewatt study` did before it measured: one model, pruned by several fractions. */
export const studySchema = z.looseObject({
  /** The model that all others were pruned from. */
  model: z.string(),
  by: criterionSchema,
  allocate: allocationSchema,
  /** What the pruned models were repaired from; `null` where none was made. */
  repair: z.looseObject({ kind: z.string(), images: count }).nullable(),
  variants: z.array(
    z.looseObject({
      ...cut,
      model: z.string(),
      params: z.looseObject({ before: count, after: count }),
      /** The device had pruned it before. */
      cached: z.boolean(),
      /** Layers that keep all their channels, by the reason. */
      left: z.array(z.looseObject({ reason: z.string(), layers: count, first: z.string() })),
    }),
  ),
  /** What could not be pruned, and why. */
  failed: z.array(z.looseObject({ ...cut, reason: z.string() })),
});
export type Study = z.infer<typeof studySchema>;
