import {
  type DataSource,
  type DerivedModels,
  fittingBatches,
  type Graph,
  makeOutput,
  type NodeProto,
  type OpenSessionOptions,
  type Session,
  type TensorValue,
} from "@edgewatt/onnx";
import type { Range } from "../int8/arithmetic.ts";
import { KeptOutputs } from "../quality/expected-outputs.ts";
import { verificationRange } from "../quality/held-back.ts";
import type { ObservedTensor } from "./observation.ts";
import { notFinite, scalarOf, statisticNode } from "./reductions.ts";

/** How much an image moves the moving average: the default of onnxruntime's `averaging_constant`. */
const AVERAGING_CONSTANT = 0.01;

/** Larger batches are hardly faster and take memory. */
const LARGEST_BATCH = 8;

/** The smallest and largest value of each tensor over all images. */
export interface Extremes {
  readonly ranges: ReadonlyMap<string, Range>;
  readonly images: number;
  /** Undefined where none were asked for. */
  readonly outputs: KeptOutputs | undefined;
}

export interface PassOptions {
  readonly session: OpenSessionOptions;
  readonly signal?: AbortSignal;
  readonly onImages?: (done: number) => void;
}

/**
 * Runs the model on the calibration images with the reductions of each tensor added, so that at most two numbers per tensor and batch leave
 * the session.
 * @param keptImages how many of the images for verification the model runs on then, for its outputs to be kept
 * @param averaged take the moving average of each image's range instead: old + 0.01 * (new - old). Not what onnxruntime's CalibMovingAverage
 *   gives, which is the mean of all images' extremes where they come in one collect, as always in `quantize_static`: parity mode does that.
 * @throws DataError with code `range-not-finite` where a tensor holds NaN or infinity
 */
export async function findExtremes(
  models: DerivedModels,
  graph: Graph,
  tensors: readonly ObservedTensor[],
  source: DataSource,
  options: PassOptions & { readonly averaged: boolean; readonly keptImages: number },
): Promise<Extremes> {
  const reductions = tensors.map((tensor) => reductionOf(graph, tensor));
  const extremes = reductions.flatMap(({ min, max }) => (min === undefined ? [max] : [min, max]));
  await using session = await models.open(
    {
      node: [...graph.nodes, ...reductions.flatMap(({ nodes }) => nodes)],
      output: [...extremes, ...graph.outputNames].map(makeOutput),
    },
    options.session,
  );
  const found: { min: number; max: number }[] = [];
  let images = 0;
  // One image at a time where batches are averaged, as the result would depend on how many share a batch.
  const largestBatch = options.averaged ? 1 : LARGEST_BATCH;
  for await (const batch of fittingBatches(session, source, 0, source.count, options.signal, largestBatch)) {
    checkFeeds(batch.feeds, source);
    const results = await session.run(batch.feeds, extremes, options.signal);
    for (const [index, { min, max }] of reductions.entries()) {
      const seen = { min: min === undefined ? 0 : scalarOf(results[min]), max: scalarOf(results[max]) };
      const range = (found[index] ??= seen);
      if (options.averaged) {
        range.min += AVERAGING_CONSTANT * (seen.min - range.min);
        range.max += AVERAGING_CONSTANT * (seen.max - range.max);
      } else {
        range.min = Math.min(range.min, seen.min);
        range.max = Math.max(range.max, seen.max);
      }
    }
    images += batch.count;
    options.onImages?.(images);
  }
  checkRanges(tensors, found, source);
  const outputs = options.keptImages > 0 ? await keepOutputs(session, graph.outputNames, source, options) : undefined;
  return { ranges: new Map(tensors.map(({ name }, index) => [name, found[index] as Range])), images, outputs };
}

async function keepOutputs(
  session: Session,
  names: readonly string[],
  source: DataSource,
  { keptImages, signal }: { readonly keptImages: number; readonly signal?: AbortSignal },
): Promise<KeptOutputs> {
  const outputs = new KeptOutputs();
  const { first, count } = verificationRange(source, session, keptImages);
  let images = 0;
  for await (const batch of fittingBatches(session, source, first, count, signal)) {
    outputs.keep(images, await session.run(batch.feeds, names, signal));
    images += batch.count;
  }
  return outputs;
}

interface Reduction {
  readonly nodes: readonly NodeProto[];
  /** The outputs that hold the extremes; there is none for the smallest value of a tensor that has none below zero. */
  readonly min: string | undefined;
  readonly max: string;
}

function reductionOf(graph: Graph, { name, nonNegative, fourSides }: ObservedTensor): Reduction {
  const nodes: NodeProto[] = [];
  const add = (opType: string, input: string): string => {
    const { node, output } = statisticNode(graph, opType, { input, tensor: name });
    nodes.push(node);
    return output;
  };
  // ONNX Runtime pools channels in the blocked layout of its convolutions but reorders the whole tensor for ReduceMax: the reductions of a
  // MobileNet took a third of the time so.
  const max = add("ReduceMax", nonNegative && fourSides ? add("GlobalMaxPool", name) : name);
  return { nodes, min: nonNegative ? undefined : add("ReduceMin", name), max };
}

/** ONNX Runtime's reductions may pass over NaN, so the data itself is looked at. */
function checkFeeds(feeds: Readonly<Record<string, TensorValue>>, source: DataSource): void {
  for (const [name, { data }] of Object.entries(feeds)) {
    if (data instanceof Float32Array && !isFiniteThroughout(data)) throw notFinite(name, source);
  }
}

function isFiniteThroughout(values: Float32Array): boolean {
  let sum = 0;
  // A float64 holds the sum of any float32 values, so that it is finite unless one of them is not.
  for (let index = 0; index < values.length; index++) sum += values[index] as number;
  return Number.isFinite(sum);
}

function checkRanges(tensors: readonly ObservedTensor[], ranges: readonly Range[], source: DataSource): void {
  const bad = tensors.findIndex((_, index) => {
    const range = ranges[index];
    return range === undefined || !Number.isFinite(range.min) || !Number.isFinite(range.max);
  });
  if (bad >= 0) throw notFinite(tensors[bad]?.name ?? "", source);
}
