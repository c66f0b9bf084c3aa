import type { Rule } from "./rule.ts";

/** MaxPool runs on 8 bits since this operator set. */
const MAX_POOL_OPSET = 12;

/** Operators that only move or select values (and AveragePool, which stays within them): the output keeps the input's scale. */
export const sameParameters: Rule = (node, context) => {
  const [input = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isActivation(output)) return "its output is not float32";
  if (!context.isQuantized(input)) return "its input is in float";
  if (node.opType === "MaxPool" && context.graph.opset < MAX_POOL_OPSET) {
    return `opset ${context.graph.opset} has no 8-bit MaxPool: export with opset ${MAX_POOL_OPSET} or later`;
  }
  if (node.output.filter((name) => name !== "").length > 1) return "its second output needs float";
  context.quantizeLike(output, input);
  return undefined;
};
