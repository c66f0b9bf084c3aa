import { DataError, deriveModels, type DataKind, type DataSource, type Graph } from "@edgewatt/onnx";
import { activationRange, type Range } from "../int8/arithmetic.ts";
import type { QuantizationFormat } from "../int8/format.ts";
import type { KeptOutputs } from "../quality/expected-outputs.ts";
import { findExtremes } from "./extremes.ts";
import { collectHistograms } from "./histograms.ts";
import { DEFAULT_PERCENTILE, type CalibrationMethod, type ThresholdMethod } from "./method.ts";
import { chooseObserved, type Observation } from "./observation.ts";
import { chooseRange, type Choice } from "./thresholds/choose.ts";

/** What a run of the float model on calibration data found. */
export interface Calibration {
  /** Range of each float tensor that a quantized operator may read or write; it holds zero. */
  readonly ranges: ReadonlyMap<string, Range>;
  /** The method that gave each range; they differ for `auto` only. */
  readonly methods: ReadonlyMap<string, ThresholdMethod>;
  readonly method: CalibrationMethod;
  readonly kind: DataKind;
  readonly name: string;
  readonly images: number;
  /** What the model gives for the images that `keptImages` asked for. */
  readonly outputs?: KeptOutputs;
}

export interface CalibrateOptions {
  /** `minmax` unless told. */
  readonly method?: CalibrationMethod;
  /** What the percentile method keeps, in percent; 99.999 unless told. */
  readonly percentile?: number;
  /** The integers that errors are judged for; `u8s8` unless told. Both formats have 256 of them, so their ranges are the same. */
  readonly format?: QuantizationFormat;
  /** Run the nodes as they are in the file, as onnxruntime's calibrator does, instead of optimized: slower, and equal to it to the bit. */
  readonly unoptimized?: boolean;
  /**
   * Run the model on so many images for verification too and keep its outputs: a session that is open for calibration is faster than one
   * that is opened for that.
   */
  readonly keptImages?: number;
  /** What error messages call the model. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  /** `total` counts each image once for each of the passes, of which the methods with histograms need two. */
  readonly onImages?: (done: number, total: number) => void;
}

/**
 * Runs a prepared model on calibration images and chooses a range for each tensor. Memory depends on the model only: a first pass lets two
 * numbers per tensor out of ONNX Runtime; the methods that need more than smallest and largest values bin the activations of one batch at a
 * time in a second one. NaN or infinity in a tensor, or no batch at all, is an error.
 * @throws DataError for data that does not fit or is not finite, ModelError where the model does not run, CanceledError on abort
 */
export async function calibrate(
  graph: Graph,
  source: DataSource,
  options: CalibrateOptions = {},
): Promise<Calibration> {
  const { method = "minmax", percentile = DEFAULT_PERCENTILE, format = "u8s8", signal } = options;
  checkPercentile(percentile);
  const modelName = options.name ?? "the model";
  const observation = await chooseObserved(graph, modelName);
  const passes = needsHistograms(method) ? 2 : 1;
  const pass = (before: number) => ({
    session: {
      name: `the calibration graph of ${modelName}`,
      optimization: options.unoptimized === true ? "disabled" : "all",
      memoryPattern: false,
    } as const,
    ...(signal === undefined ? {} : { signal }),
    onImages: (done: number) => options.onImages?.(before + done, source.count * passes),
  });

  await using models = await deriveModels(graph.model);
  const {
    ranges: seen,
    images,
    outputs,
  } = await findExtremes(models, graph, observation.tensors, source, {
    ...pass(0),
    averaged: method === "moving-average",
    keptImages: options.keptImages ?? 0,
  });
  let choices: ReadonlyMap<string, Choice>;
  if (needsHistograms(method)) {
    const histograms = await collectHistograms(models, graph, seen, source, pass(source.count));
    const integers = activationRange(format);
    choices = new Map(
      [...histograms].map(([tensor, histogram]) => [tensor, chooseRange(method, { histogram, integers, percentile })]),
    );
  } else {
    choices = new Map([...seen].map(([tensor, range]) => [tensor, { range, method }]));
  }
  return {
    ...spread(observation, choices),
    method,
    kind: source.kind,
    name: source.name,
    images,
    ...(outputs === undefined ? {} : { outputs }),
  };
}

function needsHistograms(method: CalibrationMethod): method is Exclude<CalibrationMethod, "minmax" | "moving-average"> {
  return method !== "minmax" && method !== "moving-average";
}

/** Gives each tensor the range of the one that was observed for it, as float32 and widened to hold zero. */
function spread(
  observation: Observation,
  choices: ReadonlyMap<string, Choice>,
): Pick<Calibration, "ranges" | "methods"> {
  const ranges = new Map<string, Range>();
  const methods = new Map<string, ThresholdMethod>();
  for (const [tensor, observed] of observation.sources) {
    const choice = choices.get(observed);
    if (choice === undefined) continue;
    ranges.set(tensor, {
      min: Math.fround(Math.min(0, choice.range.min)),
      max: Math.fround(Math.max(0, choice.range.max)),
    });
    methods.set(tensor, choice.method);
  }
  return { ranges, methods };
}

function checkPercentile(percentile: number): void {
  if (percentile > 50 && percentile <= 100) return;
  throw new DataError(`cannot calibrate with percentile ${percentile}: give a number above 50, at most 100`, {
    code: "percentile",
    context: { percentile },
  });
}
