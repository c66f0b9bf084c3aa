import type { CalibrationMethod } from "./calibration/method.ts";
import type { SearchTarget } from "./improve/search-target.ts";
import type { Technique } from "./improve/techniques.ts";

// `@edgewatt/quantizer/recipe`: what can be asked for. It loads neither ONNX Runtime nor anything else, so that a command line can show its
// help from it, and an agent judge a job by it.
export { CALIBRATION_METHODS, type CalibrationMethod } from "./calibration/method.ts";
export { TECHNIQUES, type Technique } from "./improve/techniques.ts";

/**
 * Of what the quantizer makes: raised with every change that gives another int8 file or report for the same model, data and recipe, so that
 * who keeps results can tell old ones.
 */
export const QUANTIZER_VERSION = 1;

/** `ort`: what `quantize_static` makes of the file as it is; `ort-preprocessed`: of what `quant_pre_process` makes of it. */
export const PARITY_MODES = ["ort", "ort-preprocessed"] as const;
export type ParityMode = (typeof PARITY_MODES)[number];

/** What parity mode can do of the calibration methods: the reference has no others. */
const PARITY_METHODS: readonly CalibrationMethod[] = ["minmax", "moving-average", "percentile", "entropy"];

/** The part of `QuantizeOptions` whose members can exclude each other. */
export interface Recipe {
  readonly method?: CalibrationMethod;
  readonly percentile?: number;
  readonly techniques?: readonly Technique[];
  readonly target?: SearchTarget;
  readonly keepFloat?: readonly string[];
  readonly parity?: ParityMode;
}

/** What excludes each other in a recipe, a sentence each; empty where it can be followed. */
export function recipeConflicts(recipe: Recipe): string[] {
  const { parity, target, techniques = [], keepFloat = [], method = "minmax", percentile } = recipe;
  const conflicts: string[] = [];
  if (parity !== undefined && (techniques.length > 0 || target !== undefined || keepFloat.length > 0)) {
    conflicts.push("parity with the reference allows no techniques, no target and no nodes kept in float");
  }
  if (parity !== undefined && !PARITY_METHODS.includes(method)) {
    conflicts.push(`the reference has no method ${method}: for parity choose one of ${PARITY_METHODS.join(", ")}`);
  }
  if (target !== undefined && (techniques.length > 0 || recipe.method !== undefined)) {
    conflicts.push("a search for a target chooses method and techniques by itself");
  }
  if (percentile !== undefined && method !== "percentile" && method !== "auto") {
    conflicts.push("a percentile goes with the methods percentile and auto");
  }
  return conflicts;
}
