import { recipeConflicts, type Recipe } from "@edgewatt/quantizer/recipe";
import type { z } from "zod";

/**
 * A schema of arguments that also refuses a recipe whose parts exclude each other, by the quantizer's own rule: such a job is rejected
 * when it comes in, and does not fail when it runs.
 * @param path where in the arguments the recipe is
 */
export function withoutConflicts<S extends z.ZodType>(
  schema: S,
  path: readonly string[],
  recipeIn: (args: z.infer<S>) => Recipe | undefined,
): S {
  return schema.superRefine((args, context) => {
    for (const message of recipeConflicts(recipeIn(args) ?? {}))
      context.addIssue({ code: "custom", path: [...path], message });
  });
}
