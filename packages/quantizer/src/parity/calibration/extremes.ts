import {
  type DataSource,
  type DerivedModels,
  fittingBatches,
  type Graph,
  makeOutput,
  type NodeProto,
} from "@edgewatt/onnx";
import type { Range } from "../../int8/arithmetic.ts";
import { notFinite, scalarOf, statisticNode } from "../../calibration/reductions.ts";

/** What one tensor went through. */
export interface Extremes {
  /** Over all samples. */
  readonly range: Range;
  /** Smallest and largest absolute value. */
  readonly size: Range;
  /** Of each sample: eight bytes per tensor and sample, all that grows with the data. */
  readonly mins: Float32Array;
  readonly maxs: Float32Array;
}

const ZERO: Range = { min: 0, max: 0 };

/** What each run of the model over the data is told. */
export interface PassOptions {
  readonly name: string;
  readonly signal?: AbortSignal;
  readonly onImages: (done: number) => void;
}

/** The nodes that reduce a tensor to its extremes, where the model runs. */
interface Reduction {
  readonly tensor: string;
  readonly nodes: readonly NodeProto[];
  readonly min: string;
  readonly max: string;
  readonly smallest: string;
}

/** Runs the model as it is on one sample after the other and keeps the extremes of the tensors (`MinMaxCalibrater`). */
export async function collectExtremes(
  models: DerivedModels,
  graph: Graph,
  tensors: readonly string[],
  source: DataSource,
  options: PassOptions,
): Promise<{ extremes: ReadonlyMap<string, Extremes>; images: number }> {
  const reductions = tensors.map((tensor) => reduce(graph, tensor));
  await using session = await models.open(
    {
      node: [...graph.nodes, ...reductions.flatMap(({ nodes }) => nodes)],
      output: reductions.flatMap(({ min, max, smallest }) => [min, max, smallest].map(makeOutput)),
    },
    { optimization: "disabled", memoryPattern: false, name: options.name },
  );
  const found = reductions.map(() => ({ mins: [] as number[], maxs: [] as number[], smallest: Infinity }));
  let images = 0;
  for await (const batch of fittingBatches(session, source, 0, source.count, options.signal, 1)) {
    const results = await session.run(batch.feeds, undefined, options.signal);
    for (const [index, { min, max, smallest }] of reductions.entries()) {
      const seen = found[index];
      seen?.mins.push(scalarOf(results[min]));
      seen?.maxs.push(scalarOf(results[max]));
      if (seen !== undefined) seen.smallest = Math.min(seen.smallest, scalarOf(results[smallest]));
    }
    images += batch.count;
    options.onImages(images);
  }
  return {
    images,
    extremes: new Map(
      reductions.map(({ tensor }, index) => {
        const { mins = [], maxs = [], smallest = Number.NaN } = found[index] ?? {};
        return [tensor, extremesOf(tensor, mins, maxs, smallest, source)];
      }),
    ),
  };
}

function reduce(graph: Graph, tensor: string): Reduction {
  const min = statisticNode(graph, "ReduceMin", { input: tensor, tensor });
  const max = statisticNode(graph, "ReduceMax", { input: tensor, tensor });
  const sizes = statisticNode(graph, "Abs", { input: tensor, tensor });
  const smallest = statisticNode(graph, "ReduceMin", { input: sizes.output, tensor: sizes.output });
  return {
    tensor,
    nodes: [min.node, max.node, sizes.node, smallest.node],
    min: min.output,
    max: max.output,
    smallest: smallest.output,
  };
}

/** `numpy.nanmin` and `nanmax` over the samples: a sample whose extreme is NaN does not count. */
function extremesOf(
  tensor: string,
  mins: readonly number[],
  maxs: readonly number[],
  smallest: number,
  source: DataSource,
): Extremes {
  const range = {
    min: mins.reduce((low, value) => (value < low ? value : low), Infinity),
    max: maxs.reduce((high, value) => (value > high ? value : high), -Infinity),
  };
  // A tensor without elements has no extremes; the reference gives it the parameters of a range of zeros.
  if (mins.every((min) => min === Infinity) && maxs.every((max) => max === -Infinity)) {
    const zeros = new Float32Array(mins.length);
    return { range: ZERO, size: ZERO, mins: zeros, maxs: zeros };
  }
  if (!Number.isFinite(range.min) || !Number.isFinite(range.max)) throw notFinite(tensor, source);
  const size = { min: smallest, max: Math.max(-range.min, range.max) };
  return { range, size, mins: Float32Array.from(mins), maxs: Float32Array.from(maxs) };
}
