import { DataType, findAttribute, readFloats, type NodeProto } from "@edgewatt/onnx";
import type { Rule, RuleContext } from "./rule.ts";

/** ONNX Runtime keeps these two between DequantizeLinear and QuantizeLinear, although their kernels take integers. */
const WRITTEN_ON_INTEGERS = new Set(["Pad", "TopK"]);

/** Operators that only move or select values (and AveragePool, which stays within them): the outputs keep the input's scale. */
export const sameParameters: Rule = (node, context) => {
  const [input = ""] = node.input;
  if (!context.isQuantized(input)) return "its input is in float";
  const outputs = node.opType === "Split" ? node.output : node.output.slice(0, 1);
  if (!outputs.every((name) => context.isActivation(name))) return "its output is not float32";
  if (outputs.some((name) => context.isReadInside(name))) return "a graph inside another node reads its output";
  const reason = SPECIAL[node.opType]?.(node, context);
  if (reason !== undefined) return reason;
  for (const name of outputs) context.quantizeLike(name, input);
  if (WRITTEN_ON_INTEGERS.has(node.opType)) {
    const constants = node.opType === "Pad" && padsConstant(node) ? [[2, context.integerOf(input, 0)] as const] : [];
    context.rewrite(node, { kind: "integers", opType: node.opType, constants: new Map(constants) });
  }
  return undefined;
};

const SPECIAL: Readonly<Record<string, Rule>> = {
  MaxPool: (node) =>
    node.output.filter((name) => name !== "").length > 1 ? "its second output needs float" : undefined,
  Pad: (node, context) =>
    padsConstant(node) && !padsZero(node, context)
      ? "it pads with a value other than 0, which may have no 8-bit form"
      : undefined,
  Resize(node) {
    const mode = stringAttribute(node, "mode", "nearest");
    if (mode !== "nearest") return `ONNX Runtime has no exact integer kernel for mode "${mode}"`;
    return stringAttribute(node, "coordinate_transformation_mode", "half_pixel") === "tf_crop_and_resize"
      ? "it fills with a float value outside of the input"
      : undefined;
  },
  Split: (node, context) =>
    node.output.some((name) => context.graph.consumers(name).length === 0 && !context.graph.isOutput(name))
      ? "nothing reads one of its outputs, for which ONNX Runtime keeps all of them in float"
      : undefined,
};

function padsConstant(node: NodeProto): boolean {
  return stringAttribute(node, "mode", "constant") === "constant";
}

function padsZero(node: NodeProto, { graph }: RuleContext): boolean {
  const name = node.input[2] ?? "";
  if (name === "") return true;
  const tensor = graph.constant(name);
  return tensor?.dataType === DataType.FLOAT && readFloats(tensor)[0] === 0;
}

function stringAttribute(node: NodeProto, name: string, fallback: string): string {
  const bytes = findAttribute(node, name)?.s;
  return bytes === undefined ? fallback : new TextDecoder().decode(bytes);
}
