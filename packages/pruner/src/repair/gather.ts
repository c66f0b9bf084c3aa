import { DataType, declareInput, type Graph, type NodeProto } from "@edgewatt/onnx";
import { addTo, columnsOf } from "../activations/channel-moments.ts";
import { ExtraNodes } from "../activations/extra-nodes.ts";
import { canStride, channelRows, patchRows, samplePositions, stepOf } from "../activations/sampled-rows.ts";
import type { ChannelFlow, DenseLayer } from "../channels/flow.ts";
import { passedError, plainError } from "./error-nodes.ts";
import type { ErrorPlace } from "./error-place.ts";
import { runTwoStreams, type StreamOptions } from "./two-streams.ts";

/** A layer that is fitted anew. */
export interface RefittedLayer {
  readonly layer: DenseLayer;
  /** In the pruned graph, as all that follows. */
  readonly node: NodeProto;
  readonly graph: Graph;
  readonly dims: readonly number[];
  readonly outputs: number;
  /** Inputs of one output; 0 where there are too many to fit weights. */
  readonly size: number;
  /** Which of the original's outputs they are. */
  readonly places: readonly number[];
  readonly errors: ErrorPlace;
}

/** Sums over images and sampled positions. */
export interface Sums {
  /** Of the errors of each output. */
  readonly errors: Float64Array;
  /** Of the inputs. */
  readonly rows: Float64Array;
  /** Of products of inputs, [size][size]; empty where they were not asked for. */
  readonly squares: Float64Array;
  /** Of products of inputs and errors, [size][outputs]. */
  readonly products: Float64Array;
  readonly columns: number;
}

/**
 * Runs original and pruned model for the sums that a fit needs; ONNX Runtime computes all of them.
 * @param what whether errors count as the activation behind sees them, and whether products of inputs are wanted
 */
export async function gather(
  flow: ChannelFlow,
  { layer, graph, node, dims, outputs, size, places, errors: place }: RefittedLayer,
  what: { readonly passed: boolean; readonly squares: boolean },
  options: StreamOptions,
): Promise<Sums> {
  const { tensor } = place;
  const shape = flow.shape(tensor) ?? [];
  const axis = flow.channels(layer.node.output[0] ?? "")?.axis ?? 1;
  const step = canStride(node) ? stepOf(shape, options.source.count) : 1;

  const original = new ExtraNodes(flow.graph);
  const chosen = original.add("Gather", [tensor, original.integers(...places)], { axis: BigInt(axis) });
  const expected = samplePositions(original, chosen, shape.length, step);

  const pruned = new ExtraNodes(graph);
  const given = graph.uniqueName("pruner_target");
  const found = samplePositions(pruned, tensor, shape.length, step);
  const error =
    what.passed && place.passed !== undefined
      ? passedError(pruned, given, found, place.passed)
      : plainError(pruned, given, found);
  const factors = Array.from({ length: shape.length - axis }, (_, side) => (side === 0 ? outputs : 1));
  const scaled = pruned.add("Mul", [error, pruned.constant(factors, Float32Array.from(place.factors))]);
  const errors = channelRows(pruned, scaled, shape.with(axis, outputs), axis);
  const names = [sumOfRows(pruned, errors), pruned.add("Shape", [errors])];
  if (size > 0) {
    const rows = inputRows(pruned, node, dims, size, step);
    const product = (other: string): string => pruned.add("Gemm", [rows, other], { transB: 1n });
    names.push(sumOfRows(pruned, rows), product(errors));
    if (what.squares) names.push(product(rows));
  }
  const sides = shape.map(() => undefined);
  const lengths = [outputs, size, size * outputs, what.squares ? size * size : 0];
  const sums = lengths.map((length) => new Float64Array(length));
  let columns = 0;
  await runTwoStreams(
    { nodes: original, tensors: [tensor], outputs: [expected] },
    { nodes: pruned, tensors: [tensor], outputs: names, inputs: [declareInput(given, DataType.FLOAT, sides)] },
    options,
    (results) => {
      const [errorSums, counted, ...others] = names.map((name) => results[name]);
      columns += columnsOf(counted);
      for (const [index, value] of [errorSums, ...others].entries()) {
        if (value?.data instanceof Float32Array) addTo(sums[index] as Float64Array, value.data);
      }
    },
  );
  const [errorSums, rowSums, products, squares] = sums as [Float64Array, Float64Array, Float64Array, Float64Array];
  return { errors: errorSums, rows: rowSums, squares, products, columns };
}

function sumOfRows(nodes: ExtraNodes, rows: string): string {
  return nodes.add("ReduceSum", [rows, nodes.integers(1)], { keepdims: 0n });
}

/** One row for each weight of an output, one column for each of the outputs' columns. */
function inputRows(nodes: ExtraNodes, node: NodeProto, dims: readonly number[], inputs: number, step: number): string {
  if (node.opType === "Conv") return patchRows(nodes, node, dims, step);
  return channelRows(nodes, nodes.add("Reshape", [node.input[0] ?? "", nodes.integers(-1, inputs)]), [0, inputs], 1);
}
