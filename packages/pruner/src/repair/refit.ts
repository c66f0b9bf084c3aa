import { dimsOf, elementCount, readFloats } from "@edgewatt/onnx";
import { center } from "../activations/channel-moments.ts";
import type { ChannelFlow, DenseLayer } from "../channels/flow.ts";
import type { CutGraph, KeptPlaces } from "../cut/cut-graph.ts";
import { setConstant } from "../cut/set-constant.ts";
import { factorize, solve } from "../linear-algebra/cholesky.ts";
import { withRidge } from "../linear-algebra/ridge.ts";
import { canShift, shiftOutputs } from "./adjust.ts";
import { errorPlace } from "./error-place.ts";
import { gather, type RefittedLayer, type Sums } from "./gather.ts";
import type { StreamOptions } from "./two-streams.ts";

/** Of the mean variance of the inputs. A linear layer sees each image once, where a Conv sees its positions, so that it is held back more. */
const CONV_RIDGE = 1e-3;
const LINEAR_RIDGE = 1e-2;
/** Inputs of one output (channels times kernel) for which second moments are gathered; above it only means are repaired. 42 MB in float64. */
const MOST_INPUTS = 2304;
/** How often weights are fitted again to what the activation behind hands on. */
const PASSED_FITS = 1;
/**
 * How far such a fit goes beyond what the sums say: they are of all positions, of which the activation hands on about a half. At 1 each fit lessens
 * the error for certain.
 */
const PASSED_STEP = 1.5;
/** Positions for each input of an output, at least: with fewer, images would be learned by heart. */
const PASSED_POSITIONS = 4;

/**
 * Fits the weights of a dense layer anew by ridge regression, so that from what the pruned model gives it, it computes what the original computed:
 * min ‖X' (W + Δ) + b - Y‖² + λ‖Δ‖², held to the weights that it has, which already make up for the channels that went. Only X'ᵀX' and X'ᵀR, with
 * R = Y - X' W the error that it makes, leave ONNX Runtime. Where an activation hands on only some values, the fit is repeated with errors as it sees
 * them, from where the weights then are, as by majorization: X'ᵀX' stays.
 * @param isRepaired whether nothing that a tensor of the pruned graph is computed from will be changed any more
 */
export async function refitLayer(
  flow: ChannelFlow,
  cut: CutGraph,
  layer: DenseLayer,
  kept: KeptPlaces,
  options: StreamOptions & { readonly isRepaired: (tensor: string) => boolean },
): Promise<void> {
  const node = cut.nodeFor(layer.node);
  const { graph } = cut;
  const weight = graph.constant(node.input[1] ?? "");
  if (weight === undefined) return;
  const dims = dimsOf(weight);
  const outputs = dims[layer.outputAxis] as number;
  const inputs = elementCount(dims) / outputs;
  const size = inputs <= MOST_INPUTS ? inputs : 0;
  const errors = errorPlace(graph, node, outputs, (tensor) => flow.shape(tensor), options.isRepaired);
  const fitted = { layer, graph, node, dims, outputs, size, places: kept(layer.output), errors };
  const centered = canShift(graph, node, outputs);
  const sums = await gather(flow, fitted, { passed: false, squares: true }, options);
  const factor = size === 0 ? undefined : factorOf(sums, { size, centered, ridge: ridgeOf(node.opType) });
  apply(fitted, sums, { factor, centered, step: 1 });
  if (factor === undefined || errors.passed === undefined || sums.columns < PASSED_POSITIONS * size) return;
  for (let fit = 0; fit < PASSED_FITS; fit++) {
    const again = await gather(flow, fitted, { passed: true, squares: false }, options);
    apply(fitted, again, { factor, centered, step: PASSED_STEP });
  }
}

function ridgeOf(opType: string): number {
  return opType === "Conv" ? CONV_RIDGE : LINEAR_RIDGE;
}

/** The factor of X'ᵀX' with its ridge; undefined where it is not finite. The squares are of no use after it. */
function factorOf(
  { squares, rows, columns }: Sums,
  { size, centered, ridge }: { size: number; centered: boolean; ridge: number },
): Float64Array | undefined {
  if (centered) center(squares, rows, rows, columns, size);
  const factor = withRidge(squares, size, ridge);
  return factorize(factor, size) ? factor : undefined;
}

/** Changes weights and shift by so many times what the sums say; only the shift where there is no factor. */
function apply(
  { layer, graph, node, dims, outputs, size }: RefittedLayer,
  { errors, rows, products, columns }: Sums,
  { factor, centered, step }: { factor: Float64Array | undefined; centered: boolean; step: number },
): void {
  const shift = errors.map((sum) => (step * sum) / columns);
  const change = factor === undefined ? undefined : products;
  if (factor !== undefined) {
    if (centered) center(products, rows, errors, columns, outputs);
    solve(factor, size, products, outputs);
  }
  if (change?.every(Number.isFinite) === true) {
    const weights = readFloats(graph.constant(node.input[1] ?? "") as Parameters<typeof readFloats>[0]);
    setConstant(graph, node, 1, dims, changed(weights, change, step, layer, outputs, size));
    for (let row = 0; row < size; row++) {
      const mean = (step * (rows[row] as number)) / columns;
      for (let column = 0; column < outputs; column++)
        shift[column] = (shift[column] as number) - mean * (change[row * outputs + column] as number);
    }
  }
  if (centered) shiftOutputs(graph, node, shift);
}

function changed(
  weights: Float32Array,
  change: Float64Array,
  step: number,
  { outputAxis }: DenseLayer,
  outputs: number,
  size: number,
): Float32Array {
  return weights.map((value, index) => {
    const [input, output] =
      outputAxis === 0 ? [index % size, Math.floor(index / size)] : [Math.floor(index / outputs), index % outputs];
    return value + step * (change[input * outputs + output] as number);
  });
}
