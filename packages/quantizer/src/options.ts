import type { DataSource } from "@edgewatt/onnx";
import type { CalibrationMethod } from "./calibration/method.ts";
import { QuantizerError } from "./errors.ts";
import type { QuantizationFormat } from "./int8/format.ts";
import type { Technique } from "./improve/techniques.ts";
import type { SearchTarget } from "./improve/search-target.ts";
import { recipeConflicts, type ParityMode } from "./recipe.ts";

export type QuantizeStep = "prepare" | "calibrate" | "improve" | "quantize" | "verify";

/**
 * `done` of `total` are images in `calibrate` and `verify`, tries in `improve` (a search does not know how many it will need: `total` is
 * the tries so far), else the step as a whole.
 */
export interface QuantizeProgress {
  readonly step: QuantizeStep;
  readonly done: number;
  readonly total: number;
}

/** `onProgress`, or nothing where a caller gave none. */
export type ReportProgress = (step: QuantizeStep, done: number, total: number) => void;

export interface QuantizeOptions {
  /** The float model file. */
  readonly input: string;
  /** Where the int8 model goes; written aside and renamed there only after all checks. */
  readonly output: string;
  /** From `openCalibration`. Only with `table` can it be left out, and then nothing is compared. */
  readonly calibration?: DataSource;
  /** The device's format; by default this machine's. */
  readonly format?: QuantizationFormat;
  /** How the range of each activation is chosen; `minmax` unless told. */
  readonly method?: CalibrationMethod;
  /** What `percentile` keeps, in percent; 99.999 unless told. */
  readonly percentile?: number;
  /** One scale per weight tensor instead of one per output channel: less precise, for old operator sets. */
  readonly perTensor?: boolean;
  /** 7-bit weights; by default where this machine is an x64 without VNNI and `format` is for it. */
  readonly reduceRange?: boolean;
  /** What is done to the float model so that it loses less, always in the order of `TECHNIQUES`; nothing unless told. */
  readonly techniques?: readonly Technique[];
  /**
   * Tries methods, techniques and layers in float, cheap ones first, until this is reached on the images after the calibration images; see
   * `searchQuantization`. If nothing reaches it, the best is written all the same, and the report says so.
   */
  readonly target?: SearchTarget;
  /** Names of nodes that stay in float. */
  readonly keepFloat?: readonly string[];
  /** Equal, bit for bit, to onnxruntime's Python `quantize_static`, whatever that does to accuracy and speed. */
  readonly parity?: ParityMode;
  /** Compares float and int8 on up to 1,000 held-back images instead of 64, and checks that the other format would fuse too. */
  readonly verify?: boolean;
  /** A calibration table that `saveTable` wrote for the same model, in place of calibrating. */
  readonly table?: string;
  /** Where the ranges that were found are written, for `table`. */
  readonly saveTable?: string;
  readonly onProgress?: (progress: QuantizeProgress) => void;
  readonly signal?: AbortSignal;
}

/** @throws QuantizerError (code `options-conflict`) naming every pair of options that exclude each other */
export function checkOptions(options: QuantizeOptions): void {
  const { parity, target, table, saveTable, techniques = [] } = options;
  const conflicts = recipeConflicts(options);
  const refuse = (when: boolean, why: string): void => {
    if (when) conflicts.push(why);
  };
  refuse(options.calibration === undefined && table === undefined, "give calibration data, or a calibration table");
  refuse(
    parity !== undefined && (table !== undefined || saveTable !== undefined),
    "parity with the reference calibrates by itself and uses no calibration table",
  );
  refuse(
    table !== undefined && (target !== undefined || techniques.length > 0 || options.method !== undefined),
    "a calibration table holds the ranges already: with it go no method, techniques or target",
  );
  refuse(
    saveTable !== undefined && (target !== undefined || techniques.length > 0 || table !== undefined),
    "only the ranges of the model as it is can be saved: without techniques, target or another table",
  );
  refuseConflicts(conflicts, `quantize ${options.input}`);
}

/** @throws QuantizerError (code `options-conflict`) where there are any */
export function refuseConflicts(conflicts: readonly string[], what: string): void {
  if (conflicts.length === 0) return;
  throw new QuantizerError(`cannot ${what}: ${conflicts.join("; ")}`, {
    code: "options-conflict",
    context: { conflicts },
  });
}
