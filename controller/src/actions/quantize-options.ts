import { type CalibrationMethod, type ParityMode, recipeConflicts, type Technique } from "@edgewatt/quantizer/recipe";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";

/** Flags that say how a model becomes int8, on a device or here. */
export interface RecipeOptions {
  readonly format?: "u8s8" | "s8s8";
  readonly perTensor?: true;
  readonly reduceRange?: true;
  readonly method?: CalibrationMethod;
  readonly percentile?: number;
  readonly techniques?: readonly Technique[];
  readonly keepFloat?: readonly string[];
  /** Percentage points. */
  readonly accuracyDrop?: number;
  /** dB. */
  readonly sqnr?: number;
  readonly parity?: ParityMode;
}

/**
 * The recipe under the names that the quantizer and the `quantize` job have for it.
 * @throws {UsageError} where its parts exclude each other
 */
export function recipeOf(options: RecipeOptions) {
  const { format, perTensor, reduceRange, method, percentile, techniques, keepFloat, parity } = options;
  const target = defined({ accuracyDropPt: options.accuracyDrop, sqnrDb: options.sqnr });
  const recipe = {
    ...defined({ format, perTensor, reduceRange, method, percentile, parity }),
    ...(techniques === undefined ? {} : { techniques: [...techniques] }),
    ...(keepFloat === undefined ? {} : { keepFloat: [...keepFloat] }),
    ...(Object.keys(target).length === 0 ? {} : { target }),
  };
  const conflicts = recipeConflicts(recipe);
  if (conflicts.length > 0) throw new UsageError(`these options do not go together: ${conflicts.join("; ")}`);
  return recipe;
}

/** Flags of `edgewatt quantize`, on devices and with `--local`. */
export interface QuantizeCommandOptions extends BrokerOption, DatasetsOption, RecipeOptions {
  readonly on?: readonly string[];
  /** In minutes. */
  readonly timeout?: number;
  readonly local?: true;
  readonly calibration?: string;
  readonly images?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
  readonly table?: string;
  readonly saveTable?: string;
  readonly verify?: true;
}
