import { findAttribute, floatAttribute, readFloats, DataType, type NodeProto } from "@edgewatt/onnx";
import type { Marks } from "../marks.ts";
import { inputOf, outputOf, type ReferenceRule } from "./rule.ts";

const INPUT_IN_FLOAT = "its input is not quantized";
/** MaxPool takes int8 since this operator set, Resize has its inputs and modes since the other. */
const MAX_POOL_OPSET = 12;
const RESIZE_OPSET = 11;
/** Since this operator set Pad's value is an input. */
const PAD_INPUT_OPSET = 11;

/** `QDQDirect8BitOp`: where the input is quantized, the output takes its parameters. */
export const direct: ReferenceRule = (node, marks) => {
  if (!marks.isQuantized(inputOf(node, 0))) return INPUT_IN_FLOAT;
  marks.outputLike(outputOf(node), inputOf(node, 0));
  return undefined;
};

/** `QDQMaxPool`. */
export const maxPool: ReferenceRule = (node, marks) =>
  marks.opset < MAX_POOL_OPSET ? `MaxPool takes int8 since opset ${MAX_POOL_OPSET}` : direct(node, marks);

/** `QDQResize`. */
export const resize: ReferenceRule = (node, marks) =>
  marks.opset < RESIZE_OPSET ? `Resize takes int8 since opset ${RESIZE_OPSET}` : direct(node, marks);

/** `QDQGather`, for Gather and GatherElements: a table that is a constant is quantized with the activations' type. */
export const gather: ReferenceRule = (node, marks) => {
  const table = inputOf(node, 0);
  if (marks.graph.initializer(table)?.dataType === DataType.FLOAT) marks.activation(table);
  return direct(node, marks);
};

/** `QDQSplit`. */
export const split: ReferenceRule = (node, marks) => {
  const input = inputOf(node, 0);
  if (!marks.isQuantized(input)) marks.activation(input);
  for (const output of node.output) marks.outputLike(output, input);
  return marks.isFloat(input) ? undefined : "the type of its input is not known";
};

/** `QDQPad`: the output takes the input's parameters where all that is added is in the input's range. */
export const pad: ReferenceRule = (node, marks) => {
  for (const input of node.input) marks.activation(input);
  if (addsNothingNew(node, marks)) marks.outputLike(outputOf(node), inputOf(node, 0));
  else marks.activation(outputOf(node));
  return marks.isFloat(inputOf(node, 0)) ? undefined : "the type of its input is not known";
};

/** `_should_quantize_output_same_as_input`. */
function addsNothingNew(node: NodeProto, marks: Marks): boolean {
  const mode = new TextDecoder().decode(findAttribute(node, "mode")?.s) || "constant";
  if (mode === "reflect" || mode === "edge" || mode === "wrap") return true;
  const input = inputOf(node, 0);
  const isTyped = marks.isFloat(input) && (marks.graph.initializer(input) === undefined || marks.graph.isInput(input));
  return mode === "constant" && isTyped && padValue(node, marks) === 0;
}

/** The constant that is added; undefined where it is computed. */
function padValue(node: NodeProto, marks: Marks): number | undefined {
  if (marks.opset < PAD_INPUT_OPSET) return floatAttribute(node, "value", 0);
  const name = inputOf(node, 2);
  if (name === "") return 0;
  const tensor = marks.graph.initializer(name) ?? constantNode(name, marks);
  return tensor?.dataType === DataType.FLOAT ? readFloats(tensor)[0] : undefined;
}

function constantNode(name: string, marks: Marks) {
  const node = marks.graph.nodes.find((other) => other.opType === "Constant" && other.output[0] === name);
  return node === undefined ? undefined : findAttribute(node, "value")?.t;
}
