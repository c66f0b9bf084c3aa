import { DataError, deriveModels, Graph, type DataSource, type ModelProto } from "@edgewatt/onnx";
import type { Range } from "../../int8/arithmetic.ts";
import type { Calibration } from "../../calibration/calibrate.ts";
import { QuantizerError } from "../../errors.ts";
import { referenceRule } from "../operators/rules.ts";
import { checkForParity } from "../quantize-as-reference.ts";
import { knownFloats } from "../tensor-types.ts";
import { collectExtremes, type Extremes } from "./extremes.ts";
import { collectHistograms } from "./histograms.ts";
import { nanMean } from "./numpy-mean.ts";
import { percentileRange } from "./percentile.ts";

export const REFERENCE_METHODS = ["minmax", "average", "percentile", "entropy"] as const;
/** `average` is MinMax with CalibMovingAverage, the other three are the reference's own names. */
export type ReferenceMethod = (typeof REFERENCE_METHODS)[number];

/** `CalibPercentile` and the bins of `create_calibrator`. */
const PERCENTILE = 99.999;
const PERCENTILE_BINS = 2048;

export interface ReferenceCalibrationOptions {
  readonly method: ReferenceMethod;
  /** Between 0 and 100; 99.999 unless told. */
  readonly percentile?: number;
  /** What error messages call the model. */
  readonly name?: string;
  readonly signal?: AbortSignal;
  /** Images of all passes together: percentile reads the data twice. */
  readonly onImages?: (done: number, total: number) => void;
}

/** Ranges as they were found: unlike those of `calibrate` they need not hold zero. */
export type ReferenceCalibration = Pick<Calibration, "ranges" | "kind" | "name" | "images">;

/**
 * The ranges that the reference's calibrators (calibrate.py) find, from the samples of the source one at a time, in order. The reference keeps
 * the activations of all samples for its histograms; here two passes give the same counts with those of one sample in memory.
 * @throws QuantizerError for what parity mode refuses, DataError where a range is not finite or too narrow for the histogram
 */
export async function calibrateAsReference(
  model: ModelProto,
  source: DataSource,
  options: ReferenceCalibrationOptions,
): Promise<ReferenceCalibration> {
  const graph = new Graph(model);
  const { name = "the model", method, percentile = PERCENTILE } = options;
  checkForParity(graph, name);
  checkPercentile(percentile);
  const tensors = calibratedTensors(graph, await knownFloats(graph, name));
  if (tensors.length === 0) {
    throw new QuantizerError(`${name} has no operator that the reference quantizes: keep the float model`, {
      code: "nothing-to-quantize",
      context: { path: name },
    });
  }
  const passes = method === "percentile" ? 2 : 1;
  const pass = (before: number) => ({
    name,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
    onImages: (done: number): void => options.onImages?.(before + done, passes * source.count),
  });
  await using models = await deriveModels(model);
  const { extremes, images } = await collectExtremes(models, graph, tensors, source, pass(0));
  let ranges: ReadonlyMap<string, Range>;
  switch (method) {
    case "percentile": {
      const spans = new Map(Array.from(extremes, ([tensor, { size }]) => [tensor, size]));
      const histograms = await collectHistograms(models, graph, spans, PERCENTILE_BINS, source, pass(source.count));
      ranges = new Map(
        Array.from(histograms, ([tensor, { counts, edges }]) => [
          tensor,
          percentileRange(counts, edges, (extremes.get(tensor) as Extremes).range, percentile),
        ]),
      );
      break;
    }
    case "average":
      ranges = mapValues(extremes, ({ mins, maxs }) => ({ min: nanMean(mins), max: nanMean(maxs) }));
      break;
    // With the 128 bins that quantize_static gives it, entropy has one threshold to choose from: all that was seen.
    case "entropy":
    case "minmax":
      ranges = mapValues(extremes, ({ range }) => range);
  }
  return { ranges, kind: source.kind, name: source.name, images };
}

/** `compute_percentile` raises beyond these; it is told before the data is read. */
function checkPercentile(percentile: number): void {
  if (percentile >= 0 && percentile <= 100) return;
  throw new DataError(`cannot calibrate with percentile ${percentile}: the reference takes 0 to 100`, {
    code: "percentile",
    context: { percentile },
  });
}

function mapValues(extremes: ReadonlyMap<string, Extremes>, toRange: (found: Extremes) => Range): Map<string, Range> {
  return new Map(Array.from(extremes, ([tensor, found]) => [tensor, toRange(found)]));
}

/** `select_tensors_to_calibrate`: what the operators of the registry read and write, constants left out. */
function calibratedTensors(graph: Graph, floats: ReadonlySet<string>): string[] {
  const tensors = new Set<string>();
  for (const node of graph.nodes) {
    if (referenceRule(node.opType) === undefined) continue;
    for (const tensor of [...node.input, ...node.output])
      if (floats.has(tensor) && graph.initializer(tensor) === undefined) tensors.add(tensor);
  }
  return [...tensors];
}
