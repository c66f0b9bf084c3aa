import { DataType, dimsOf, elementCount, intAttribute, type NodeProto } from "@edgewatt/onnx";
import type { Rule, RuleContext } from "./rule.ts";

/** Conv, Gemm and MatMul: int8 weights per output channel, an int32 bias, activations by their own ranges. */
export const convLike: Rule = (node, context) => {
  const [input = "", weightName = "", biasName = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isActivation(input) || !context.isActivation(output)) return "its input or output is not float32";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  const weight = context.graph.constant(weightName);
  if (weight === undefined)
    return node.opType === "MatMul" ? activationMatMul(node, context) : "its weights are computed at run time";
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

function activationMatMul(node: NodeProto, context: RuleContext): string | undefined {
  const [a = "", b = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isActivation(b)) return "its second input is not float32";
  context.quantize(a);
  context.quantize(b);
  quantizeOutput(node, output, context);
  return undefined;
}

/** QGemm and MatMulIntegerToFloat give float directly, so the model's own output is not rounded to 8 bits for nothing. */
function quantizeOutput(node: NodeProto, output: string, context: RuleContext): void {
  const givesFloat =
    node.opType !== "Conv" && context.graph.isOutput(output) && context.graph.consumers(output).length === 0;
  if (!givesFloat) context.quantize(context.absorb(output));
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
