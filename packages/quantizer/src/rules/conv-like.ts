import { DataType, dimsOf, elementCount, intAttribute, type NodeProto } from "@edgewatt/onnx";
import type { Rule, RuleContext } from "./rule.ts";

/** Conv, Gemm and MatMul: int8 weights per output channel, an int32 bias, activations by their own ranges. */
export const convLike: Rule = (node, context) => {
  const [input = "", weightName = "", biasName = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isActivation(output)) return "its input or output is not float32";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  const weight = context.graph.constant(weightName);
  if (node.opType === "MatMul" && (weight === undefined || context.graph.constant(input) !== undefined))
    return matMulOfActivations(node, context);
  if (!context.isActivation(input)) return "its input or output is not float32";
  if (weight === undefined) return "its weights are computed at run time";
  if (weight.dataType !== DataType.FLOAT) return "its weights are not float32";
  const dims = dimsOf(weight);
  const channels = dims[channelAxis(node, dims) ?? -1];
  if (biasName !== "") {
    const bias = context.graph.constant(biasName);
    if (bias?.dataType !== DataType.FLOAT) return "its bias is not a float32 constant";
    if (!isPerChannel(dimsOf(bias), channels, node)) return "its bias is not one value per output channel";
  }
  context.quantize(input);
  context.addWeights(node, { axis: channelAxis(node, dims), biasIndex: biasName === "" ? undefined : 2 });
  quantizeOutput(node, output, context);
  return undefined;
};

/** One of them may be constant, but not as weights in the second place: then it is quantized as activations are. */
function matMulOfActivations(node: NodeProto, context: RuleContext): string | undefined {
  const [output = ""] = node.output;
  const constants = [...node.input.keys()].filter((index) => !context.isActivation(node.input[index] ?? ""));
  if (constants.length === node.input.length) return "all its inputs are constant";
  for (const index of constants) {
    const name = node.input[index] ?? "";
    if (context.graph.constant(name)?.dataType !== DataType.FLOAT) return `its input "${name}" is not float32`;
  }
  for (const [index, name] of node.input.entries()) {
    if (constants.includes(index)) context.addConstant(node, index);
    else context.quantize(name);
  }
  quantizeOutput(node, output, context);
  return undefined;
}

/** QGemm and MatMulIntegerToFloat give float directly, so what is only read in float is not rounded to 8 bits for nothing. */
function quantizeOutput(node: NodeProto, output: string, context: RuleContext): void {
  if (node.opType !== "Conv" && context.isReadInFloat(output)) return;
  context.quantize(context.absorb(output));
}

/** Gemm broadcasts its bias to [M, N], so that a single value is one per channel too. */
function isPerChannel(dims: readonly number[], channels: number | undefined, node: NodeProto): boolean {
  if (dims.length === 1 && dims[0] === channels) return true;
  return node.opType === "Gemm" && elementCount(dims) === 1;
}

function channelAxis(node: NodeProto, dims: readonly number[]): number | undefined {
  switch (node.opType) {
    case "Conv":
      return 0;
    case "Gemm":
      return intAttribute(node, "transB", 0) === 1 ? 0 : 1;
    default:
      // A stack of matrices has no single axis of output channels that ONNX Runtime could fuse.
      return dims.length === 2 ? 1 : undefined;
  }
}
