import type { Graph } from "../graph.ts";
import type { NodeProto } from "../proto.ts";
import type { Affine } from "./affine.ts";
import { canHoldBias, replaceWeights, weightsOf, type Linear } from "./linear.ts";

/**
 * Folds what comes after a linear node into it: scale (Wx + b) + shift is linear again with W' = scale W and b' = scale b + shift.
 * `follower`, whose work it does from then on, must be the only reader of its output.
 * @returns whether it was folded
 */
export function foldBackward(
  graph: Graph,
  linear: Linear,
  follower: NodeProto,
  { scale, shift }: Affine,
  ranks: ReadonlyMap<string, number>,
): boolean {
  const needsBias = linear.bias !== undefined || shift.some((value) => value !== 0);
  if (needsBias && !canHoldBias(linear, ranks)) return false;
  const weights = weightsOf(linear);
  // In place, as another copy of each weight is what the memory of preparing a model came from.
  let finite = true;
  for (let start = 0; start < weights.length; start += linear.outputRun) {
    const factor = scale[linear.outputChannel(start)] ?? 1;
    for (let index = start; index < start + linear.outputRun; index++) {
      const value = (weights[index] as number) * factor;
      weights[index] = value;
      // Infinity and NaN are the only values that do not leave zero; a float32 may overflow where the product did not.
      finite &&= (weights[index] as number) - (weights[index] as number) === 0;
    }
  }
  const bias = needsBias
    ? Float32Array.from(
        { length: linear.outputs },
        (_, channel) => (linear.bias?.[channel] ?? 0) * (scale[channel] ?? 1) + (shift[channel] ?? 0),
      )
    : undefined;
  if (!finite) return false;
  replaceWeights(graph, linear, weights, bias);
  linear.node.output = [follower.output[0] ?? ""];
  graph.changed();
  return true;
}
