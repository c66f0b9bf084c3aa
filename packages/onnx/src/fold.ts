import { floatAttribute, intAttribute } from "./attributes.ts";
import type { Graph } from "./graph.ts";
import { DataType } from "./data-type.ts";
import type { NodeProto, TensorProto } from "./proto.ts";
import { dimsOf, elementCount, makeTensor, readFloats } from "./tensor.ts";

/** The `epsilon` of BatchNormalization where the node names none (ONNX operator specification). */
const DEFAULT_EPSILON = 1e-5;

/**
 * Folds each BatchNormalization into the Conv or Gemm before it, in place, and returns how many were folded.
 *
 * y = gamma (Wx + b - mean) / sqrt(var + epsilon) + beta is again a Conv or Gemm with W' = W k and b' = (b - mean) k + beta,
 * where k = gamma / sqrt(var + epsilon) per output channel. One is left where it is if the Conv's output has another reader,
 * or a weight is not constant float32, or the node normalizes by the statistics of each batch (`training_mode`).
 */
export function foldBatchNorm(graph: Graph): number {
  const folded = new Set<NodeProto>();
  for (const batchNorm of graph.nodes) {
    if (batchNorm.opType !== "BatchNormalization" || batchNorm.output.length !== 1) continue;
    if (intAttribute(batchNorm, "training_mode", 0) !== 0) continue;
    const linear = graph.producer(batchNorm.input[0] ?? "");
    if (linear === undefined || folded.has(linear)) continue;
    if (foldPair(graph, linear, batchNorm)) folded.add(batchNorm);
  }
  graph.removeNodes(folded);
  graph.removeUnusedInitializers();
  return folded.size;
}

function foldPair(graph: Graph, linear: NodeProto, batchNorm: NodeProto): boolean {
  const axis = outputAxis(linear);
  const [output] = linear.output;
  const [normalized] = batchNorm.output;
  if (
    axis === undefined ||
    output === undefined ||
    normalized === undefined ||
    graph.soleConsumer(output) !== batchNorm
  )
    return false;
  const weightName = linear.input[1] ?? "";
  const biasName = linear.input[2] ?? "";
  const weight = floatConstant(graph, weightName);
  const bias = biasName === "" ? undefined : floatConstant(graph, biasName);
  const [gamma, beta, mean, variance] = [1, 2, 3, 4].map((index) => floatConstant(graph, batchNorm.input[index] ?? ""));
  if (weight === undefined || gamma === undefined || beta === undefined || mean === undefined || variance === undefined)
    return false;
  const dims = dimsOf(weight);
  const channels = dims[axis] ?? 0;
  if ([gamma, beta, mean, variance].some((tensor) => elementCount(dimsOf(tensor)) !== channels)) return false;
  if (biasName !== "" && (bias === undefined || elementCount(dimsOf(bias)) !== channels)) return false;

  const factors = channelFactors(
    readFloats(gamma),
    readFloats(variance),
    floatAttribute(batchNorm, "epsilon", DEFAULT_EPSILON),
  );
  const foldedWeight = scaleAlong(readFloats(weight), dims, axis, factors);
  const foldedBias = foldBias(
    bias === undefined ? new Float32Array(channels) : readFloats(bias),
    readFloats(mean),
    readFloats(beta),
    factors,
  );
  // New tensors, as the old ones may be shared with other nodes.
  const newWeight = graph.uniqueName(`${weightName}_folded`);
  const newBias = graph.uniqueName(`${biasName === "" ? weightName : biasName}_bias_folded`);
  graph.addInitializer(makeTensor(newWeight, dims, foldedWeight));
  graph.addInitializer(makeTensor(newBias, [channels], foldedBias));
  linear.input = [linear.input[0] ?? "", newWeight, newBias];
  linear.output = [normalized];
  graph.changed();
  return true;
}

/** The axis of the weight that counts output channels; undefined for nodes that nothing can be folded into. */
function outputAxis(node: NodeProto): number | undefined {
  if (node.domain !== "") return undefined;
  if (node.opType === "Conv") return 0;
  if (node.opType !== "Gemm" || floatAttribute(node, "alpha", 1) !== 1 || floatAttribute(node, "beta", 1) !== 1)
    return undefined;
  return intAttribute(node, "transB", 0) === 1 ? 0 : 1;
}

function floatConstant(graph: Graph, name: string): TensorProto | undefined {
  const tensor = graph.constant(name);
  return tensor?.dataType === DataType.FLOAT ? tensor : undefined;
}

function channelFactors(gamma: Float32Array, variance: Float32Array, epsilon: number): Float64Array {
  return Float64Array.from(gamma, (value, channel) => value / Math.sqrt((variance[channel] ?? 0) + epsilon));
}

function scaleAlong(values: Float32Array, dims: readonly number[], axis: number, factors: Float64Array): Float32Array {
  const inner = elementCount(dims.slice(axis + 1));
  const channels = factors.length;
  return values.map((value, index) => value * (factors[Math.floor(index / inner) % channels] ?? 1));
}

function foldBias(bias: Float32Array, mean: Float32Array, beta: Float32Array, factors: Float64Array): Float32Array {
  return bias.map((value, channel) => (value - (mean[channel] ?? 0)) * (factors[channel] ?? 1) + (beta[channel] ?? 0));
}
