import { DataType, type NodeProto } from "@edgewatt/onnx";
import type { Rule, RuleContext } from "./rule.ts";

/** Operators that compute, so that their output has a range of its own: Add, Mul, Concat, GlobalAveragePool, Softmax, Sigmoid, LeakyRelu. */
export const independent: Rule = (node, context) => {
  const [output = ""] = node.output;
  if (!context.isActivation(output)) return "its output is not float32";
  if (FINAL_IN_FLOAT.has(node.opType) && context.graph.isOutput(output))
    return "it gives the model's output, which stays in float";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  const constants: number[] = [];
  for (const [index, name] of node.input.entries()) {
    if (context.isActivation(name)) continue;
    if (context.graph.constant(name)?.dataType !== DataType.FLOAT) return `its input "${name}" is not float32`;
    constants.push(index);
  }
  if (constants.length === node.input.length) return "all its inputs are constant";
  quantizeAll(node, constants, context);
  return undefined;
};

/** Their outputs in [0, 1] are read as probabilities: 8 bits would cost precision there and save nothing. */
const FINAL_IN_FLOAT = new Set(["Softmax", "Sigmoid"]);

function quantizeAll(node: NodeProto, constants: readonly number[], context: RuleContext): void {
  for (const [index, name] of node.input.entries()) {
    if (constants.includes(index)) context.addConstant(node, index);
    else context.quantize(name);
  }
  context.quantize(context.absorb(node.output[0] ?? ""));
}
