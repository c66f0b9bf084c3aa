import type { Graph } from "../graph.ts";
import type { NodeProto } from "../proto.ts";
import { inferRanks } from "../ranks.ts";
import { arithmeticAffine, batchNormAffine } from "./affine.ts";
import { foldBackward } from "./backward.ts";
import { foldForward, readsChannels } from "./forward.ts";
import { linearOf } from "./linear.ts";

/**
 * Folds each BatchNormalization, in place, into the Conv, ConvTranspose, Gemm or MatMul before it, else into the one after it, and returns how
 * many were folded. One is left where it is if another node reads the tensor between the two, a weight is not constant float32, it
 * normalizes by each batch's statistics, or the result would not be exact at padded borders.
 */
export function foldBatchNorm(graph: Graph): number {
  const ranks = inferRanks(graph);
  return foldEach(
    graph,
    (node) =>
      node.opType === "BatchNormalization" &&
      (foldIntoProducer(graph, node, ranks) || foldIntoConsumer(graph, node, ranks)),
  );
}

/**
 * Folds, in place, each Add, Sub, Mul and Div by constants per channel into the Conv, ConvTranspose, Gemm or MatMul before it (batch norms and biases
 * that exporters write out), and returns how many were folded. A MatMul with a constant added becomes a Gemm where its input has two sides.
 */
export function foldChannelArithmetic(graph: Graph): number {
  const ranks = inferRanks(graph);
  return foldEach(graph, (node) => foldArithmetic(graph, node, ranks));
}

function foldIntoProducer(graph: Graph, batchNorm: NodeProto, ranks: ReadonlyMap<string, number>): boolean {
  const input = batchNorm.input[0] ?? "";
  const producer = graph.producer(input);
  if (producer === undefined || graph.soleConsumer(input) !== batchNorm) return false;
  const linear = linearOf(graph, producer, ranks);
  // The channels of a BatchNormalization are the second side, which a MatMul counts only where it gives two sides.
  if (linear === undefined || linear.axis !== 1) return false;
  const affine = batchNormAffine(graph, batchNorm, linear.outputs);
  return affine !== undefined && foldBackward(graph, linear, batchNorm, affine, ranks);
}

function foldIntoConsumer(graph: Graph, batchNorm: NodeProto, ranks: ReadonlyMap<string, number>): boolean {
  const [input = ""] = batchNorm.input;
  const [output = ""] = batchNorm.output;
  const consumer = graph.soleConsumer(output);
  if (consumer === undefined || consumer.input.indexOf(output) !== 0 || consumer.input.lastIndexOf(output) !== 0)
    return false;
  const linear = linearOf(graph, consumer, ranks);
  if (linear === undefined || !readsChannels(linear, ranks)) return false;
  const affine = batchNormAffine(graph, batchNorm, linear.inputs);
  return affine !== undefined && foldForward(graph, linear, input, affine, ranks);
}

function foldArithmetic(graph: Graph, node: NodeProto, ranks: ReadonlyMap<string, number>): boolean {
  for (const input of node.input) {
    const producer = graph.producer(input);
    if (producer === undefined || graph.soleConsumer(input) !== node) continue;
    const linear = linearOf(graph, producer, ranks);
    if (linear === undefined) continue;
    const { rank, axis, outputs: channels } = linear;
    const affine = arithmeticAffine(graph, node, input, { rank, axis, channels });
    if (affine !== undefined && foldBackward(graph, linear, node, affine, ranks)) return true;
  }
  return false;
}

function foldEach(graph: Graph, fold: (node: NodeProto) => boolean): number {
  let folded = 0;
  for (const node of graph.nodes) {
    if (!fold(node)) continue;
    // At once, as the next node may follow the same linear one.
    graph.removeNodes(new Set([node]));
    folded++;
  }
  graph.removeUnusedInitializers();
  return folded;
}
