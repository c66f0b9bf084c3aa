import { copyGraph, type DataSource, type Graph, openSession } from "@edgewatt/onnx";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { calibrate } from "../../src/calibration/calibrate.ts";
import type { EmitOptions } from "../../src/int8/emit-options.ts";
import { buildInt8, type Candidate } from "../../src/improve/build-int8.ts";
import { openJudge } from "../../src/improve/judge.ts";
import { findLinks } from "../../src/improve/layer-links.ts";
import { biasOf, replaceBias, replaceWeights, weightsOf } from "../../src/improve/linear-layer.ts";
import { prepareModel } from "../../src/draft/prepare.ts";

export const PER_TENSOR: EmitOptions = { format: "u8s8", perChannel: false, reducedRange: false };
export const PER_CHANNEL: EmitOptions = { ...PER_TENSOR, perChannel: true };

/** Random images for the networks here: the first 16 calibrate, 16 more are held back. */
export const images: DataSource = randomSource([{ name: "image", shape: ["batch", 3, 8, 8] }]);

/** Stem, depthwise-separable block, pooling and a linear layer; no padding before the 1x1 Conv. */
export function separableNetwork(activation: "relu" | "relu6" = "relu", seed = 1): Graph {
  const b = new ModelBuilder({ seed });
  const act = (x: string): string => (activation === "relu" ? b.relu(x) : b.relu6(x));
  const stem = act(b.conv(b.input("image", ["batch", 3, 8, 8]), 3, 16));
  const depthwise = act(b.conv(stem, 16, 16, { groups: 16 }));
  const pointwise = act(b.conv(depthwise, 16, 24, { kernel: 1 }));
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [pointwise])], { axis: 1n });
  b.output(b.gemm(flat, 24, 10), ["batch", 10]);
  return prepareModel(b.build());
}

/** The same function, with channels between the layers multiplied by factors that span so many decades: what equalization is to undo. A Clip cuts elsewhere then. */
export function unbalance(graph: Graph, decades: number, seed = 7): Graph {
  const result = copyGraph(graph);
  const generator = xoroshiro128plus(seed);
  for (const { first, second, spread } of findLinks(result)) {
    const factors = Float64Array.from(
      { length: first.outputChannels },
      () => 10 ** (decades * (uniformFloat64(generator) - 0.5)),
    );
    const scale = (channel: number): number => factors[channel] as number;
    const bias = biasOf(result, first).map((value, channel) => value * scale(channel));
    replaceBias(result, first, bias);
    const weights = weightsOf(result, first).map((value, index) => value * scale(first.outputOf(index)));
    replaceWeights(result, first, weights);
    const next = weightsOf(result, second).map(
      (value, index) => value / scale(Math.floor(second.inputOf(index) / spread)),
    );
    replaceWeights(result, second, next);
  }
  return result;
}

export async function withRanges(graph: Graph, source: DataSource = images): Promise<Candidate> {
  return { graph, ranges: (await calibrate(graph, source)).ranges };
}

/** Signal-to-noise of a candidate's int8 model against a float graph, on the images held back. */
export async function sqnrOf(
  reference: Graph,
  candidate: Candidate,
  emit: EmitOptions,
  source: DataSource = images,
): Promise<number> {
  await using judge = openJudge(reference, source, { first: source.count, count: source.count }, emit.format);
  return (await judge.score(buildInt8(candidate, emit).emitted.model)).sqnrDb;
}

/** Outputs of two graphs on the same images, joined. */
export async function outputsOf(graph: Graph, source: DataSource = images): Promise<number[]> {
  await using session = await openSession(graph.model, { optimization: "disabled" });
  const values: number[] = [];
  for await (const batch of source.batches({ batchSize: 4 })) {
    for (const { data } of Object.values(await session.run(batch.feeds))) values.push(...(data as Float32Array));
  }
  return values;
}

/** Largest difference, relative to the largest value. */
export function largestDeviation(expected: readonly number[], found: readonly number[]): number {
  const largest = Math.max(...expected.map(Math.abs));
  return Math.max(...expected.map((value, index) => Math.abs(value - (found[index] ?? Number.NaN)))) / largest;
}
