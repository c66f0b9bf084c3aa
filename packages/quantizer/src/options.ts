import type { DataSource } from "@edgewatt/onnx";
import type { CalibrationMethod } from "./calibration/method.ts";
import { QuantizerError } from "./errors.ts";
import type { QuantizationFormat } from "./int8/format.ts";
import type { Technique } from "./improve/techniques.ts";
import type { SearchTarget } from "./improve/search.ts";

/** `ort`: what `quantize_static` makes of the file as it is; `ort-preprocessed`: of what `quant_pre_process` makes of it. */
export const PARITY_MODES = ["ort", "ort-preprocessed"] as const;
export type ParityMode = (typeof PARITY_MODES)[number];

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

/** What parity mode can do of the calibration methods: the reference has no others. */
const PARITY_METHODS: readonly CalibrationMethod[] = ["minmax", "moving-average", "percentile", "entropy"];

/** @throws QuantizerError (code `options-conflict`) naming every pair of options that exclude each other */
export function checkOptions(options: QuantizeOptions): void {
  const { parity, target, table, techniques = [], keepFloat = [], method = "minmax" } = options;
  const conflicts: string[] = [];
  const refuse = (when: boolean, why: string): void => {
    if (when) conflicts.push(why);
  };
  refuse(options.calibration === undefined && table === undefined, "give calibration data, or a calibration table");
  refuse(
    parity !== undefined && (techniques.length > 0 || target !== undefined || keepFloat.length > 0),
    "parity with the reference allows no techniques, no target and no nodes kept in float",
  );
  refuse(
    parity !== undefined && !PARITY_METHODS.includes(method),
    `the reference has no method ${method}: for parity choose one of ${PARITY_METHODS.join(", ")}`,
  );
  refuse(
    parity !== undefined && (table !== undefined || options.saveTable !== undefined),
    "parity with the reference calibrates by itself and uses no calibration table",
  );
  refuse(
    target !== undefined && (techniques.length > 0 || options.method !== undefined),
    "a search for a target chooses method and techniques by itself",
  );
  refuse(
    table !== undefined && (target !== undefined || techniques.length > 0 || options.method !== undefined),
    "a calibration table holds the ranges already: with it go no method, techniques or target",
  );
  refuse(
    options.saveTable !== undefined && (target !== undefined || techniques.length > 0 || table !== undefined),
    "only the ranges of the model as it is can be saved: without techniques, target or another table",
  );
  refuse(
    options.percentile !== undefined && method !== "percentile" && method !== "auto",
    "a percentile goes with the methods percentile and auto",
  );
  if (conflicts.length === 0) return;
  throw new QuantizerError(`cannot quantize ${options.input}: ${conflicts.join("; ")}`, {
    code: "options-conflict",
    context: { conflicts },
  });
}
