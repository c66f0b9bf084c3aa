import type { QuantParams } from "../int8/arithmetic.ts";
import type { Marks } from "./marks.ts";
import { initializerParams, scalesForBias, type InitializerParams } from "./numbers.ts";

/**
 * `_calc_initializer_quant_params`: weights are int8 and symmetric, other constants have the activations' type and are not; then
 * `_adjust_weight_quant_params_for_bias_tensors`, bias by bias.
 */
export function allInitializerParams(
  marks: Marks,
  activations: ReadonlyMap<string, QuantParams>,
  { type, reduced }: { readonly type: "uint8" | "int8"; readonly reduced: boolean },
): ReadonlyMap<string, InitializerParams> {
  const all = new Map<string, InitializerParams>();
  for (const [name, mark] of marks.tensors) {
    const tensor = marks.graph.initializer(name);
    if (tensor === undefined) continue;
    const isWeight = mark.kind === "weight";
    const layout = mark.axis === undefined ? {} : { axis: mark.axis };
    all.set(name, initializerParams(tensor, isWeight ? "int8" : type, { reduced, symmetric: isWeight, ...layout }));
  }
  for (const [name, { input, weight }] of marks.biases) {
    const params = all.get(weight);
    const inputParams = activations.get(input);
    const bias = marks.graph.initializer(name);
    if (params === undefined || inputParams === undefined || bias === undefined || !marks.tensors.has(input)) continue;
    if (params.type !== "int8" || params.zeroPoints.some((zeroPoint) => zeroPoint !== 0)) continue;
    const scales = scalesForBias(params, inputParams.scale, bias);
    if (scales !== undefined) all.set(weight, { ...params, scales });
  }
  return all;
}
