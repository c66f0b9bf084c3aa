import { DataType, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import { tryRescale } from "./rescaled.ts";
import type { Rule, RuleContext } from "./rule.ts";

/** Their outputs in [0, 1] are read as probabilities: 8 bits would cost precision there and save nothing. */
const FINAL_IN_FLOAT = new Set(["Softmax", "Sigmoid"]);

const SHAPE_ONLY = new Set(["Flatten", "Reshape", "Squeeze", "Transpose", "Unsqueeze"]);

/** A constant so much larger than what it is joined with, a mask of -10,000 say, would leave the other values a step or two of 256. */
const LARGEST_CONSTANT_RATIO = 64;

/** Operators that compute, so that their output has a range of its own: Add, Mul, Concat, GlobalAveragePool, Softmax, Sigmoid, LeakyRelu, Where. */
export const independent: Rule = (node, context) => {
  const [output = ""] = node.output;
  if (!context.isActivation(output)) return "its output is not float32";
  if (isFinalInFloat(node, context.graph)) return "it gives the model's output, which stays in float";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  const inputs = [...node.input.entries()].filter(([index]) => node.opType !== "Where" || index > 0);
  const constants: number[] = [];
  for (const [index, name] of inputs) {
    if (context.isActivation(name)) continue;
    if (context.graph.constant(name)?.dataType !== DataType.FLOAT) return `its input "${name}" is not float32`;
    constants.push(index);
  }
  if (constants.length === inputs.length) return "all its inputs are constant";
  if (!context.isChained(node)) return "no quantized operator stands before it";
  if (node.opType === "Mul" && tryRescale(node, context)) return undefined;
  if (dwarfs(node, constants, context))
    return "its constant is so large that 8 bits would leave nothing of the other values";
  for (const [index, name] of inputs) {
    if (constants.includes(index)) context.addConstant(node, index);
    else context.quantize(name);
  }
  // The output of QLinearSoftmax has to have all of [0, 1], which leaves nothing for a Relu to disappear into.
  context.quantize(node.opType === "Softmax" ? output : context.absorb(output));
  return undefined;
};

/** Whether it gives the model's output, directly or through operators that only change its shape. */
export function isFinalInFloat(node: NodeProto, graph: Graph): boolean {
  if (!FINAL_IN_FLOAT.has(node.opType)) return false;
  for (let next: NodeProto | undefined = node; next !== undefined;) {
    const [output = ""]: string[] = next.output;
    if (graph.isOutput(output)) return true;
    next = graph.soleConsumer(output);
    if (next !== undefined && !SHAPE_ONLY.has(next.opType)) return false;
  }
  return false;
}

function dwarfs(node: NodeProto, constants: readonly number[], context: RuleContext): boolean {
  if (node.opType === "Mul") return false;
  const largest = Math.max(
    ...node.input.filter((name) => context.isActivation(name)).map((name) => context.magnitude(name)),
  );
  return constants.some((index) => {
    const tensor = context.graph.constant(node.input[index] ?? "");
    return (
      tensor !== undefined && readFloats(tensor).some((value) => Math.abs(value) > largest * LARGEST_CONSTANT_RATIO)
    );
  });
}
