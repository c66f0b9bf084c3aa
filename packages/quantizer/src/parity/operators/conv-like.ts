import { floatAttribute, intAttribute, setAttribute, findAttribute, type NodeProto } from "@edgewatt/onnx";
import type { Marks } from "../marks.ts";
import { inputOf, outputOf, type ReferenceRule } from "./rule.ts";

/** `QDQConv`, for Conv and ConvTranspose. */
export const conv: ReferenceRule = (node, marks) => {
  markProduct(node, marks, node.opType === "Conv" ? 0 : 1);
  if (node.input.length === 3) marks.bias(node.name, inputOf(node, 2), inputOf(node, 0), inputOf(node, 1));
  return undefined;
};

/** `QDQGemm`: beta goes into the bias's scale, so that it is 1 afterwards. */
export const gemm: ReferenceRule = (node, marks) => {
  markProduct(node, marks, intAttribute(node, "transB", 0) > 0 ? 0 : 1);
  if (node.input.length === 3 && marks.graph.initializer(inputOf(node, 2)) !== undefined) {
    marks.bias(node.name, inputOf(node, 2), inputOf(node, 0), inputOf(node, 1), floatAttribute(node, "beta", 1));
    if (findAttribute(node, "beta") !== undefined) {
      node.attribute = [...node.attribute];
      setAttribute(node, "beta", 1);
    }
  }
  return undefined;
};

/** `QDQMatMul`: constants on either side are weights, on axis 1 whatever their rank. */
export const matMul: ReferenceRule = (node, marks) => {
  for (const tensor of [...node.input, ...node.output]) {
    if (marks.graph.initializer(tensor) === undefined) marks.activation(tensor);
    else marks.weightOnAxis(tensor, 1);
  }
  return undefined;
};

/** `QDQNormalization`, for InstanceNormalization, LayerNormalization and BatchNormalization. */
export const normalization: ReferenceRule = (node, marks) => {
  const scale = inputOf(node, 1);
  marks.activation(inputOf(node, 0));
  if (marks.graph.initializer(scale) === undefined) marks.activation(scale);
  else marks.weightOnAxis(scale, 1);
  if (inputOf(node, 2) !== "") marks.bias(node.name, inputOf(node, 2), inputOf(node, 0), scale);
  for (const output of node.output) marks.activation(output);
  return undefined;
};

function markProduct(node: NodeProto, marks: Marks, axis: number): void {
  marks.activation(inputOf(node, 0));
  marks.activation(outputOf(node));
  marks.weightOnAxis(inputOf(node, 1), axis);
}
