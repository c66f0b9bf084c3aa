import { floatAttribute, intAttribute, setAttribute } from "../attributes.ts";
import type { Graph } from "../graph.ts";
import type { NodeProto, TensorProto } from "../proto.ts";
import { adoptTensor, dimsOf, elementCount, readFloats } from "../tensor.ts";
import { floatConstant } from "./affine.ts";

/** A Conv, ConvTranspose, Gemm or MatMul with constant float32 weights, and which channels each weight joins. */
export interface Linear {
  readonly node: NodeProto;
  readonly weight: TensorProto;
  readonly dims: readonly number[];
  readonly inputs: number;
  readonly outputs: number;
  /** One value per output channel; undefined where the node has none. */
  readonly bias: Float32Array | undefined;
  /** Sides of the output and the one that counts channels; a MatMul's rank is what is known of it, 1 at least. */
  readonly rank: number;
  readonly axis: number;
  inputChannel(index: number): number;
  outputChannel(index: number): number;
  /** So many weights in a row, from each multiple of it on, go to the same output channel. */
  readonly outputRun: number;
}

type Layout = Pick<Linear, "inputs" | "outputs" | "rank" | "axis" | "inputChannel" | "outputChannel" | "outputRun">;

/** Describes a node that an affine map can be folded into; undefined for any other. */
export function linearOf(graph: Graph, node: NodeProto, ranks: ReadonlyMap<string, number>): Linear | undefined {
  if (node.domain !== "") return undefined;
  const weight = floatConstant(graph, node.input[1] ?? "");
  if (weight === undefined) return undefined;
  const dims = dimsOf(weight);
  const layout = layoutOf(node, dims, ranks);
  if (layout === undefined || elementCount(dims) === 0) return undefined;
  const biasName = node.input[2] ?? "";
  if (biasName === "") return { node, weight, dims, bias: undefined, ...layout };
  const tensor = floatConstant(graph, biasName);
  const bias = tensor === undefined ? undefined : biasPerChannel(tensor, layout.outputs);
  return bias === undefined ? undefined : { node, weight, dims, bias, ...layout };
}

function layoutOf(node: NodeProto, dims: readonly number[], ranks: ReadonlyMap<string, number>): Layout | undefined {
  const [first = 0, second = 0] = dims;
  const kernel = elementCount(dims.slice(2));
  const groups = intAttribute(node, "group", 1);
  switch (node.opType) {
    case "Conv": {
      if (dims.length < 3 || groups < 1 || first % groups !== 0) return undefined;
      const perGroup = first / groups;
      const outputChannel = (index: number): number => Math.floor(index / (second * kernel));
      return {
        inputs: second * groups,
        outputs: first,
        rank: dims.length,
        axis: 1,
        outputChannel,
        outputRun: second * kernel,
        inputChannel: (index) =>
          Math.floor(outputChannel(index) / perGroup) * second + (Math.floor(index / kernel) % second),
      };
    }
    case "ConvTranspose": {
      if (dims.length < 3 || groups < 1 || first % groups !== 0) return undefined;
      const perGroup = first / groups;
      const inputChannel = (index: number): number => Math.floor(index / (second * kernel));
      return {
        inputs: first,
        outputs: second * groups,
        rank: dims.length,
        axis: 1,
        inputChannel,
        outputRun: kernel,
        outputChannel: (index) =>
          Math.floor(inputChannel(index) / perGroup) * second + (Math.floor(index / kernel) % second),
      };
    }
    case "Gemm":
      // A constant C that is scaled by beta would need the shift divided by it; Gemm is normalized before instead.
      if (dims.length !== 2 || floatAttribute(node, "alpha", 1) !== 1 || floatAttribute(node, "beta", 1) !== 1)
        return undefined;
      return matrixLayout(first, second, intAttribute(node, "transB", 0) === 1, 2);
    case "MatMul":
      if (dims.length !== 2) return undefined;
      return matrixLayout(first, second, false, ranks.get(node.output[0] ?? "") ?? ranks.get(node.input[0] ?? "") ?? 1);
    default:
      return undefined;
  }
}

function matrixLayout(rows: number, columns: number, transposed: boolean, rank: number): Layout {
  const byRow = (index: number): number => Math.floor(index / columns);
  const byColumn = (index: number): number => index % columns;
  const place = { rank, axis: rank - 1 };
  return transposed
    ? {
        inputs: columns,
        outputs: rows,
        ...place,
        outputChannel: byRow,
        outputRun: Math.max(1, columns),
        inputChannel: byColumn,
      }
    : { inputs: rows, outputs: columns, ...place, outputChannel: byColumn, outputRun: 1, inputChannel: byRow };
}

/** Gemm's C may also be one value for all, or have a leading side of 1. */
function biasPerChannel(tensor: TensorProto, channels: number): Float32Array | undefined {
  const dims = dimsOf(tensor);
  const count = elementCount(dims);
  if (dims.length > 2 || (count !== 1 && (count !== channels || dims.at(-1) !== channels))) return undefined;
  const values = readFloats(tensor);
  return Float32Array.from({ length: channels }, (_, channel) => values[count === 1 ? 0 : channel] ?? 0);
}

/**
 * Gives a linear node other weights and a bias, as new tensors, since the old ones may be shared with other nodes. A MatMul, which has
 * no bias, becomes a Gemm where its input has two sides. Undefined `bias` keeps the node without one. Both arrays become the tensors' own.
 */
export function replaceWeights(
  graph: Graph,
  linear: Linear,
  weights: Float32Array,
  bias: Float32Array | undefined,
): void {
  const { node, weight } = linear;
  const weightName = graph.uniqueName(`${weight.name}_folded`);
  graph.addInitializer(adoptTensor(weightName, linear.dims, weights));
  const input = [node.input[0] ?? "", weightName];
  if (bias !== undefined) {
    const biasName = graph.uniqueName(`${(node.input[2] ?? "") === "" ? weight.name : node.input[2]}_bias_folded`);
    graph.addInitializer(adoptTensor(biasName, [bias.length], bias));
    input.push(biasName);
    if (node.opType === "MatMul") {
      node.opType = "Gemm";
      setAttribute(node, "transB", 0n);
    }
  }
  node.input = input;
  graph.changed();
}

/** Whether the node can hold a bias: a MatMul only where it can become a Gemm. */
export function canHoldBias(linear: Linear, ranks: ReadonlyMap<string, number>): boolean {
  return linear.node.opType !== "MatMul" || ranks.get(linear.node.input[0] ?? "") === 2;
}

/** A copy of the weights of a linear node; see `Linear` for which channels each joins. */
export function weightsOf(linear: Linear): Float32Array {
  return readFloats(linear.weight);
}
