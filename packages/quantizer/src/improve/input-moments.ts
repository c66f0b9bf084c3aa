import {
  type DataSource,
  deriveNode,
  fittingBatches,
  type Graph,
  makeNode,
  makeOutput,
  makeTensor,
  type NodeProto,
  openSession,
  subModel,
  type TensorProto,
} from "@edgewatt/onnx";
import type { LinearLayer } from "./linear-layer.ts";
import type { ImageRange } from "./split-images.ts";

/** Largest number of values in the moments of one layer: 32 MB, as much again in each of two copies while they are gathered. */
const MOST_VALUES = 2 ** 22;

/** Second moments H = E[x xᵀ] of the inputs x that one output value of a layer is computed from, for each group. */
export interface InputMoments {
  readonly groups: number;
  /** Length of x: input channels of the group times kernel positions. */
  readonly size: number;
  /** [groups][size][size], sums over images and positions. */
  readonly values: Float64Array;
}

/** Weights of a group as rows of length `size`, in the order of x. */
export interface WeightRows {
  readonly groups: number;
  readonly size: number;
  readonly rowsPerGroup: number;
  /** Flat index of a weight. */
  at(row: number, position: number): number;
}

/** How a layer's weights multiply its inputs; undefined for a ConvTranspose, or where the moments would take too much memory. */
export function weightRows({ node, dims, inputChannels, outputChannels }: LinearLayer): WeightRows | undefined {
  let rows: WeightRows | undefined;
  if (node.opType === "Conv") {
    const perGroup = dims[1] as number;
    const groups = inputChannels / perGroup;
    const size = dims.slice(1).reduce((product, side) => product * side, 1);
    rows = { groups, size, rowsPerGroup: outputChannels / groups, at: (row, position) => row * size + position };
  } else if (node.opType === "Gemm") {
    const [stepRow, stepPosition] =
      dims[0] === outputChannels && isTransposed(node) ? [inputChannels, 1] : [1, outputChannels];
    const at = (row: number, position: number): number => row * stepRow + position * stepPosition;
    rows = { groups: 1, size: inputChannels, rowsPerGroup: outputChannels, at };
  }
  return rows !== undefined && rows.groups * rows.size ** 2 <= MOST_VALUES ? rows : undefined;
}

function isTransposed(gemm: NodeProto): boolean {
  return gemm.attribute.some((attribute) => attribute.name === "transB" && attribute.i === 1n);
}

/**
 * Measures a layer's input moments on the float model. ONNX Runtime itself cuts the patches, by a Conv whose kernels are ones at one
 * place each, so that strides, pads, dilations and groups are those of the layer, and multiplies them; here they are only summed, in float64.
 */
export async function measureMoments(
  graph: Graph,
  layer: LinearLayer,
  rows: WeightRows,
  source: DataSource,
  images: ImageRange,
  signal?: AbortSignal,
): Promise<InputMoments> {
  const tensor = layer.node.input[0] ?? "";
  const { nodes, initializers, output } = momentNodes(graph, layer, rows, tensor);
  const model = subModel(graph, [tensor], [makeOutput(output)], { nodes, initializers });
  await using session = await openSession(model, { optimization: "disabled" });
  const values = new Float64Array(rows.groups * rows.size ** 2);
  for await (const batch of fittingBatches(session, source, images.first, images.count, signal)) {
    const data = (await session.run(batch.feeds, undefined, signal))[output]?.data;
    if (!(data instanceof Float32Array) || data.length !== values.length) continue;
    for (let index = 0; index < values.length; index++)
      values[index] = (values[index] as number) + (data[index] as number);
  }
  return { groups: rows.groups, size: rows.size, values };
}

function momentNodes(
  graph: Graph,
  { node, dims }: LinearLayer,
  { groups, size }: WeightRows,
  tensor: string,
): { nodes: NodeProto[]; initializers: TensorProto[]; output: string } {
  const name = (suffix: string): string => graph.uniqueName(`${tensor}_moments_${suffix}`);
  const nodes: NodeProto[] = [];
  const initializers: TensorProto[] = [];
  const add = (opType: string, inputs: readonly string[], attributes: Parameters<typeof makeNode>[4] = {}): string => {
    const output = name(opType);
    nodes.push(makeNode(opType, name("node"), inputs, [output], attributes));
    return output;
  };
  const constant = (sides: readonly number[], data: Float32Array | BigInt64Array): string => {
    const made = makeTensor(name("constant"), sides, data);
    initializers.push(made);
    return made.name;
  };
  if (node.opType === "Gemm") {
    const output = add("MatMul", [add("Transpose", [tensor], { perm: [1n, 0n] }), tensor]);
    return { nodes, initializers, output };
  }
  const ones = new Float32Array(groups * size * size);
  for (let group = 0; group < groups; group++) {
    for (let position = 0; position < size; position++) ones[(group * size + position) * size + position] = 1;
  }
  const patches = name("patches");
  const kernels = constant([groups * size, ...dims.slice(1)], ones);
  nodes.push(Object.assign(deriveNode(node, { input: [tensor, kernels], output: [patches] }), { name: name("node") }));
  const shape = (...sides: number[]): string => constant([sides.length], BigInt64Array.from(sides, BigInt));
  const grouped = add("Reshape", [patches, shape(0, groups, size, -1)]);
  const rows = add("Reshape", [add("Transpose", [grouped], { perm: [1n, 2n, 0n, 3n] }), shape(groups, size, -1)]);
  const output = add("MatMul", [rows, add("Transpose", [rows], { perm: [0n, 2n, 1n] })]);
  return { nodes, initializers, output };
}
