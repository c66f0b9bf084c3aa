import { findAttribute, intAttribute } from "../attributes.ts";
import type { Graph } from "../graph.ts";
import type { Affine } from "./affine.ts";
import { canHoldBias, replaceWeights, weightsOf, type Linear } from "./linear.ts";

/**
 * Folds what comes before a linear node into it: W (scale x + shift) + b is linear again with W' = W scale and b' = b + W shift. At a padded
 * border the zeros would have to be shifted as well, so a shift is folded only where nothing is padded.
 * @returns whether it was folded
 */
export function foldForward(
  graph: Graph,
  linear: Linear,
  source: string,
  { scale, shift }: Affine,
  ranks: ReadonlyMap<string, number>,
): boolean {
  const shifts = shift.some((value) => value !== 0);
  if (shifts && (!seesNoBorder(linear) || !canHoldBias(linear, ranks))) return false;
  const old = weightsOf(linear);
  const sums = Float64Array.from({ length: linear.outputs }, (_, channel) => linear.bias?.[channel] ?? 0);
  const weights = old.map((value, index) => value * (scale[linear.inputChannel(index)] ?? 1));
  for (const [index, value] of old.entries()) {
    const channel = linear.outputChannel(index);
    sums[channel] = (sums[channel] ?? 0) + value * (shift[linear.inputChannel(index)] ?? 0);
  }
  if (!weights.every(Number.isFinite) || !sums.every(Number.isFinite)) return false;
  replaceWeights(graph, linear, weights, shifts || linear.bias !== undefined ? Float32Array.from(sums) : undefined);
  linear.node.input[0] = source;
  graph.changed();
  return true;
}

/** Whether each output reads the whole kernel. The sums at the border of a ConvTranspose never do, unless its kernel is a point. */
function seesNoBorder({ node, dims }: Linear): boolean {
  if (node.opType === "Gemm" || node.opType === "MatMul") return true;
  const isPoint = dims.slice(2).every((side) => side === 1);
  const pads = findAttribute(node, "pads")?.ints ?? [];
  if (pads.some((pad) => pad !== 0n)) return false;
  if (node.opType === "ConvTranspose") {
    const ones = (name: string): boolean => (findAttribute(node, name)?.ints ?? []).every((value) => value === 1n);
    const grows = ["output_padding", "output_shape"].some((name) => findAttribute(node, name) !== undefined);
    return isPoint && ones("strides") && !grows;
  }
  const autoPad = new TextDecoder().decode(findAttribute(node, "auto_pad")?.s ?? new Uint8Array(0));
  return isPoint || !autoPad.startsWith("SAME");
}

/** Whether the channels of the node's input are counted by its second side, as those of a BatchNormalization are. */
export function readsChannels(linear: Linear, ranks: ReadonlyMap<string, number>): boolean {
  if (linear.node.opType === "Gemm") return intAttribute(linear.node, "transA", 0) === 0;
  return linear.node.opType !== "MatMul" || ranks.get(linear.node.input[0] ?? "") === 2;
}
