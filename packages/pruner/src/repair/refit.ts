import { DataType, declareInput, dimsOf, elementCount, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import { addTo, center, columnsOf } from "../activations/channel-moments.ts";
import { ExtraNodes } from "../activations/extra-nodes.ts";
import { canStride, channelRows, patchRows, samplePositions, stepOf } from "../activations/sampled-rows.ts";
import type { ChannelFlow, DenseLayer } from "../channels/flow.ts";
import type { CutGraph, KeptPlaces } from "../cut/cut-graph.ts";
import { setConstant } from "../cut/set-constant.ts";
import { factorize, solve } from "../linear-algebra/cholesky.ts";
import { withRidge } from "../linear-algebra/ridge.ts";
import { canShift, shiftOutputs } from "./adjust.ts";
import { runTwoStreams, type StreamOptions } from "./two-streams.ts";

/** Of the mean variance of the inputs. A linear layer sees each image once, where a Conv sees its positions, so that it is held back more. */
const CONV_RIDGE = 1e-3;
const LINEAR_RIDGE = 1e-2;
/** Inputs of one output (channels times kernel) for which second moments are gathered; above it only means are repaired. 42 MB in float64. */
const MOST_INPUTS = 2304;

/**
 * Fits the weights of a dense layer anew by ridge regression, so that from what the pruned model gives it, it computes what the original computed:
 * min ‖X' (W + Δ) + b - Y‖² + λ‖Δ‖², held to the weights that it has, which already make up for the channels that went. Only X'ᵀX' and X'ᵀR, with
 * R = Y - X' W the error that it makes, leave ONNX Runtime.
 */
export async function refitLayer(
  flow: ChannelFlow,
  cut: CutGraph,
  layer: DenseLayer,
  kept: KeptPlaces,
  options: StreamOptions,
): Promise<void> {
  const node = cut.nodeFor(layer.node);
  const { graph } = cut;
  const weight = graph.constant(node.input[1] ?? "");
  if (weight === undefined) return;
  const dims = dimsOf(weight);
  const outputs = dims[layer.outputAxis] as number;
  const inputs = elementCount(dims) / outputs;
  const centered = canShift(graph, node, outputs);
  const sums = await gather(flow, graph, { layer, node, dims, outputs, inputs, places: kept(layer.output) }, options);
  const { columns, size } = sums;
  const shift = sums.errors.map((sum) => sum / columns);
  const ridge = node.opType === "Conv" ? CONV_RIDGE : LINEAR_RIDGE;
  const change = size === 0 ? undefined : fit(sums, { outputs, centered, ridge });
  if (change !== undefined) {
    setConstant(graph, node, 1, dims, changed(readFloats(weight), change, layer, outputs, size));
    for (let row = 0; row < size; row++) {
      const mean = (sums.rows[row] as number) / columns;
      for (let column = 0; column < outputs; column++)
        shift[column] = (shift[column] as number) - mean * (change[row * outputs + column] as number);
    }
  }
  if (centered) shiftOutputs(graph, node, shift);
}

interface RefittedLayer {
  readonly layer: DenseLayer;
  /** In the pruned graph, as all that follows. */
  readonly node: NodeProto;
  readonly dims: readonly number[];
  readonly outputs: number;
  readonly inputs: number;
  /** Which of the original's outputs they are. */
  readonly places: readonly number[];
}

/** Sums over images and sampled positions: of the errors, and, where there are not too many inputs, of these and of products with them. */
async function gather(
  flow: ChannelFlow,
  graph: Graph,
  { layer, node, dims, outputs, inputs, places }: RefittedLayer,
  options: StreamOptions,
): Promise<Sums> {
  const [output = ""] = node.output;
  const [originalOutput = ""] = layer.node.output;
  const shape = flow.shape(originalOutput) ?? [];
  const axis = flow.channels(originalOutput)?.axis ?? 1;
  const step = canStride(node) ? stepOf(shape, options.source.count) : 1;

  const original = new ExtraNodes(flow.graph);
  const chosen = original.add("Gather", [originalOutput, original.integers(...places)], { axis: BigInt(axis) });
  const expected = samplePositions(original, chosen, shape.length, step);

  const pruned = new ExtraNodes(graph);
  const given = graph.uniqueName("pruner_target");
  const difference = pruned.add("Sub", [given, samplePositions(pruned, output, shape.length, step)]);
  const errors = channelRows(pruned, difference, shape.with(axis, outputs), axis);
  const names = [sumOfRows(pruned, errors), pruned.add("Shape", [errors])];
  const size = inputs <= MOST_INPUTS ? inputs : 0;
  if (size > 0) {
    const rows = inputRows(pruned, node, dims, inputs, step);
    const product = (other: string): string => pruned.add("Gemm", [rows, other], { transB: 1n });
    names.push(sumOfRows(pruned, rows), product(rows), product(errors));
  }
  const sides = shape.map(() => undefined);
  const sums = [outputs, size, size * size, size * outputs].map((length) => new Float64Array(length));
  let columns = 0;
  await runTwoStreams(
    { nodes: original, tensors: [originalOutput], outputs: [expected] },
    { nodes: pruned, tensors: [output], outputs: names, inputs: [declareInput(given, DataType.FLOAT, sides)] },
    options,
    (results) => {
      const [errorSums, counted, ...others] = names.map((name) => results[name]);
      columns += columnsOf(counted);
      for (const [index, value] of [errorSums, ...others].entries()) {
        if (value?.data instanceof Float32Array) addTo(sums[index] as Float64Array, value.data);
      }
    },
  );
  const [errorSums, rowSums, squares, products] = sums as [Float64Array, Float64Array, Float64Array, Float64Array];
  return { errors: errorSums, rows: rowSums, squares, products, columns, size };
}

function sumOfRows(nodes: ExtraNodes, rows: string): string {
  return nodes.add("ReduceSum", [rows, nodes.integers(1)], { keepdims: 0n });
}

interface Sums {
  readonly errors: Float64Array;
  readonly rows: Float64Array;
  readonly squares: Float64Array;
  readonly products: Float64Array;
  readonly columns: number;
  /** Inputs of one output; 0 where there are too many. */
  readonly size: number;
}

/** Δ, [inputs][outputs]; undefined where the sums are not finite. The sums are of no use after it. */
function fit(
  { errors, rows, squares, products, columns, size }: Sums,
  { outputs, centered, ridge }: { outputs: number; centered: boolean; ridge: number },
): Float64Array | undefined {
  if (centered) {
    center(squares, rows, rows, columns, size);
    center(products, rows, errors, columns, outputs);
  }
  const factor = withRidge(squares, size, ridge);
  if (!factorize(factor, size)) return undefined;
  solve(factor, size, products, outputs);
  return products.every(Number.isFinite) ? products : undefined;
}

function changed(
  weights: Float32Array,
  change: Float64Array,
  { outputAxis }: DenseLayer,
  outputs: number,
  size: number,
): Float32Array {
  return weights.map((value, index) => {
    const [input, output] =
      outputAxis === 0 ? [index % size, Math.floor(index / size)] : [Math.floor(index / outputs), index % outputs];
    return value + (change[input * outputs + output] as number);
  });
}

/** One row for each weight of an output, one column for each of the outputs' columns. */
function inputRows(nodes: ExtraNodes, node: NodeProto, dims: readonly number[], inputs: number, step: number): string {
  if (node.opType === "Conv") return patchRows(nodes, node, dims, step);
  return channelRows(nodes, nodes.add("Reshape", [node.input[0] ?? "", nodes.integers(-1, inputs)]), [0, inputs], 1);
}
