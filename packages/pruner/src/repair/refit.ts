import { DataType, declareInput, dimsOf, readFloats, type NodeProto } from "@edgewatt/onnx";
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
  const output = node.output[0] ?? "";
  const shape = flow.shape(layer.node.output[0] ?? "") ?? [];
  const axis = flow.channels(layer.node.output[0] ?? "")?.axis ?? 1;
  const weight = graph.constant(node.input[1] ?? "");
  if (weight === undefined) return;
  const dims = dimsOf(weight);
  const outputs = dims[layer.outputAxis] as number;
  const inputs = dims.reduce((product, side) => product * side, 1) / outputs;
  const isConv = node.opType === "Conv";
  const step = isConv && canStride(node) ? stepOf(shape, options.source.count) : 1;
  const fits = inputs <= MOST_INPUTS;

  const original = new ExtraNodes(flow.graph);
  const places = original.integers(...kept(layer.output));
  const chosen = original.add("Gather", [layer.node.output[0] ?? "", places], { axis: BigInt(axis) });
  const target = isConv ? samplePositions(original, chosen, shape.length, step) : original.add("Identity", [chosen]);

  const pruned = new ExtraNodes(graph);
  const given = graph.uniqueName("pruner_target");
  const own = isConv ? samplePositions(pruned, output, shape.length, step) : output;
  const errors = channelRows(pruned, pruned.add("Sub", [given, own]), shape.with(axis, outputs), axis);
  const rows = fits ? inputRows(pruned, node, dims, inputs, step) : errors;
  const names = [
    pruned.add("ReduceSum", [errors, pruned.integers(1)], { keepdims: 0n }),
    pruned.add("Shape", [errors]),
    ...(fits
      ? [
          pruned.add("ReduceSum", [rows, pruned.integers(1)], { keepdims: 0n }),
          pruned.add("Gemm", [rows, rows], { transB: 1n }),
          pruned.add("Gemm", [rows, errors], { transB: 1n }),
        ]
      : []),
  ];
  const size = fits ? inputs : 0;
  const sums = {
    errors: new Float64Array(outputs),
    rows: new Float64Array(size),
    squares: new Float64Array(size * size),
    products: new Float64Array(size * outputs),
  };
  let columns = 0;
  await runTwoStreams(
    { nodes: original, tensors: [layer.node.output[0] ?? ""], outputs: [target] },
    {
      nodes: pruned,
      tensors: [output],
      outputs: names,
      inputs: [
        declareInput(
          given,
          DataType.FLOAT,
          shape.map(() => undefined),
        ),
      ],
    },
    options,
    (results) => {
      const values = names.map((name) => results[name]?.data);
      columns += columnsOf(results[names[1] ?? ""]);
      addTo(sums.errors, values[0] as Float32Array);
      if (!fits) return;
      addTo(sums.rows, values[2] as Float32Array);
      addTo(sums.squares, values[3] as Float32Array);
      addTo(sums.products, values[4] as Float32Array);
    },
  );
  const shifts = canShift(graph, node, outputs);
  const shift = sums.errors.map((sum) => sum / columns);
  const change = fits
    ? fit(sums, { size, outputs, columns, centered: shifts, ridge: isConv ? CONV_RIDGE : LINEAR_RIDGE })
    : undefined;
  if (change !== undefined) {
    setConstant(graph, node, 1, dims, changed(readFloats(weight), change, layer, outputs, size));
    for (let row = 0; row < size; row++) {
      const mean = (sums.rows[row] as number) / columns;
      for (let column = 0; column < outputs; column++)
        shift[column] = (shift[column] as number) - mean * (change[row * outputs + column] as number);
    }
  }
  if (shifts) shiftOutputs(graph, node, shift);
}

interface Sums {
  readonly errors: Float64Array;
  readonly rows: Float64Array;
  readonly squares: Float64Array;
  readonly products: Float64Array;
}

/** Δ, [inputs][outputs]; undefined where the sums are not finite. The sums are of no use after it. */
function fit(
  { errors, rows, squares, products }: Sums,
  {
    size,
    outputs,
    columns,
    centered,
    ridge,
  }: { size: number; outputs: number; columns: number; centered: boolean; ridge: number },
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
