import { DataType, dimsOf, readFloats, type NodeProto } from "@edgewatt/onnx";
import type { Rule, RuleContext } from "./rule.ts";

/** Div by a positive constant only changes the scale; ONNX Runtime has no integer form for any other Div. */
export const rescaled: Rule = (node, context) =>
  tryRescale(node, context)
    ? undefined
    : "ONNX Runtime has no integer kernel for it on the CPU, and it does not divide 8-bit values by one positive constant";

/** Whether a Mul or Div by one positive constant could be noted as a change of scale, for which its input must be quantized. */
export function tryRescale(node: NodeProto, context: RuleContext): boolean {
  const [output = ""] = node.output;
  const [left = "", right = ""] = node.input;
  const [input, constant] = node.opType === "Mul" && context.isActivation(right) ? [right, left] : [left, right];
  const factor = positiveScalar(constant, context);
  if (factor === undefined || !context.isQuantized(input) || !context.isActivation(output)) return false;
  if (context.isReadInside(output)) return false;
  return context.rescale(node, output, input, node.opType === "Div" ? 1 / factor : factor);
}

function positiveScalar(name: string, context: RuleContext): number | undefined {
  const tensor = context.graph.constant(name);
  // One value of a higher rank might give the output more dimensions than the input has.
  if (tensor?.dataType !== DataType.FLOAT || dimsOf(tensor).length > 1) return undefined;
  const values = readFloats(tensor);
  const [value = 0] = values;
  return values.length === 1 && value > 0 && Number.isFinite(value) ? value : undefined;
}
