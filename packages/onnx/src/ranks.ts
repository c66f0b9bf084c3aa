import { findAttribute, intAttribute } from "./attributes.ts";
import type { Graph } from "./graph.ts";
import type { NodeProto, ValueInfoProto } from "./proto.ts";

/** Operators whose first output has as many sides as their first input. */
const SAME_AS_FIRST = new Set(
  (
    "Abs AveragePool BatchNormalization Cast Ceil Clip Conv ConvTranspose CumSum DepthToSpace Dropout Elu Erf Exp Floor " +
    "GlobalAveragePool GlobalMaxPool HardSigmoid HardSwish Hardmax Identity InstanceNormalization LRN LayerNormalization LeakyRelu Log " +
    "LogSoftmax LpPool MaxPool Neg PRelu Pad Reciprocal Relu Resize Round Selu Shrink Sigmoid Sign Slice Softmax Softplus " +
    "Softsign SpaceToDepth Split Sqrt Tanh ThresholdedRelu Tile TopK Transpose Upsample"
  ).split(" "),
);

/** Operators that broadcast their inputs to the one with the most sides. */
const BROADCAST = new Set("Add Sub Mul Div Pow Min Max Mean Sum Where".split(" "));

/**
 * How many sides each tensor has, where the graph tells: from declared shapes, constants and the operators that keep, set or
 * broadcast it. Tensors that are missing here may have any number of sides. The nodes must be in topological order.
 */
export function inferRanks(graph: Graph): ReadonlyMap<string, number> {
  const ranks = new Map<string, number>();
  for (const value of graph.declaredValues) {
    const rank = declaredRank(value);
    if (rank !== undefined) ranks.set(value.name, rank);
  }
  for (const tensor of graph.initializers) ranks.set(tensor.name, tensor.dims.length);
  for (const node of graph.nodes) {
    if (node.domain !== "") continue;
    const rank = rankOf(graph, node, ranks);
    const outputs = node.opType === "Split" ? node.output : node.output.slice(0, 1);
    for (const output of outputs) {
      if (rank !== undefined && output !== "" && !ranks.has(output)) ranks.set(output, rank);
    }
  }
  return ranks;
}

function declaredRank(value: ValueInfoProto): number | undefined {
  const type = value.type?.value;
  return type?.case === "tensorType" ? type.value.shape?.dim.length : undefined;
}

function rankOf(graph: Graph, node: NodeProto, ranks: ReadonlyMap<string, number>): number | undefined {
  const first = ranks.get(node.input[0] ?? "");
  const { opType } = node;
  if (SAME_AS_FIRST.has(opType)) return first;
  if (BROADCAST.has(opType)) return largest(node.input.map((name) => ranks.get(name)));
  if (opType === "Concat") return node.input.map((name) => ranks.get(name)).find((rank) => rank !== undefined);
  if (opType === "Flatten" || opType === "Gemm") return 2;
  if (opType === "Reshape") return graph.constant(node.input[1] ?? "")?.dims.map(Number)[0];
  if (opType === "MatMul") {
    const second = ranks.get(node.input[1] ?? "");
    return first !== undefined && second !== undefined && first >= 2 && second >= 2
      ? Math.max(first, second)
      : undefined;
  }
  const axes = axesCount(graph, node);
  if (opType === "Unsqueeze") return shifted(first, axes);
  if (opType === "Squeeze") return shifted(first, axes === undefined ? undefined : -axes);
  if (opType.startsWith("Reduce") && intAttribute(node, "keepdims", 1) === 1) return first;
  return undefined;
}

function largest(ranks: readonly (number | undefined)[]): number | undefined {
  return ranks.some((rank) => rank === undefined) ? undefined : Math.max(...(ranks as number[]));
}

function shifted(rank: number | undefined, by: number | undefined): number | undefined {
  return rank === undefined || by === undefined ? undefined : rank + by;
}

function axesCount(graph: Graph, node: NodeProto): number | undefined {
  const attribute = findAttribute(node, "axes");
  if (attribute !== undefined) return attribute.ints.length;
  return graph.constant(node.input[1] ?? "")?.dims.map(Number)[0];
}
