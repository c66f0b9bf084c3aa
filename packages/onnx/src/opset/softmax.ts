import { intAttribute } from "../attributes.ts";
import { makeNode } from "../graph.ts";
import { baseName, rewrite, type Converter } from "./converter.ts";

/**
 * Softmax, LogSoftmax and Hardmax count over one side since opset 13, by default the last; before, over all sides from `axis` (by default the
 * second) on. Where that is more than the last side, the tensor is brought into two sides and back.
 */
export const softmax: Converter = (node, context) => {
  const [input = ""] = node.input;
  const [output = ""] = node.output;
  const axis = intAttribute(node, "axis", 1);
  const rank = context.rankOf(input);
  if (axis === -1 || (rank !== undefined && axis === rank - 1)) return [rewrite(node, { attributes: { axis: -1n } })];
  // Flatten's axis may be negative since opset 11 only, but so may that of the operators here.
  const base = baseName(node);
  const flat = context.uniqueName(`${base}_flat`);
  const result = context.uniqueName(`${base}_flat_output`);
  const shape = context.uniqueName(`${base}_shape`);
  return [
    makeNode("Shape", context.uniqueName(`${base}_Shape`), [input], [shape]),
    makeNode("Flatten", context.uniqueName(`${base}_Flatten`), [input], [flat], { axis: BigInt(axis) }),
    rewrite(node, { input: [flat], output: [result], attributes: { axis: -1n } }),
    makeNode("Reshape", context.uniqueName(`${base}_Reshape`), [result, shape], [output]),
  ];
};
