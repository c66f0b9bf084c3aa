import { computeParams, type QuantParams, type Range } from "../int8/arithmetic.ts";
import { QuantizerError } from "../errors.ts";
import { integerRange } from "./numbers.ts";
import type { ReferenceGraph } from "./reference-graph.ts";

/** What `adjust_tensor_ranges` takes for the output of every Softmax. */
const SOFTMAX: Range = { min: 0, max: 1 };

/** `calc_graph_quant_params`: scale and zero point of every calibrated tensor. Activations are never symmetric, nor reduced. */
export function activationParams(
  graph: ReferenceGraph,
  ranges: ReadonlyMap<string, Range>,
  type: "uint8" | "int8",
): Map<string, QuantParams> {
  const integers = integerRange(type, false, false);
  return new Map(
    Array.from(adjustRanges(graph, ranges), ([tensor, range]) => {
      if (!Number.isFinite(Math.fround(range.max - range.min))) throw notFinite(tensor);
      return [tensor, computeParams(range, integers, false)];
    }),
  );
}

/**
 * `adjust_tensor_ranges`: what only a Relu or Clip reads has the range that comes out of it, and Softmax one of its own.
 * @throws QuantizerError for a Softmax of unknown type, as it was not calibrated
 */
function adjustRanges(graph: ReferenceGraph, ranges: ReadonlyMap<string, Range>): Map<string, Range> {
  const adjusted = new Map(ranges);
  for (const node of graph.nodes) {
    const [input = ""] = node.input;
    const [output = ""] = node.output;
    if (node.opType === "Softmax") {
      if (!adjusted.has(output)) throw withoutRange(output);
      adjusted.set(output, SOFTMAX);
    }
    if (node.opType !== "Clip" && node.opType !== "Relu") continue;
    const clipped = adjusted.get(output);
    if (clipped !== undefined && adjusted.has(input) && graph.readCount(input) === 1) adjusted.set(input, clipped);
  }
  return adjusted;
}

function withoutRange(tensor: string): QuantizerError {
  return new QuantizerError(
    `the reference quantizer fails on Softmax "${tensor}", whose type it does not know: declare its output in the model`,
    { code: "reference-fails", context: { tensor } },
  );
}

function notFinite(tensor: string): QuantizerError {
  return new QuantizerError(`tensor "${tensor}" has no finite range: check the calibration data for NaN and infinity`, {
    code: "range-not-finite",
    context: { tensor },
  });
}
