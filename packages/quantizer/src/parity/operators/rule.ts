import type { NodeProto } from "@edgewatt/onnx";
import type { Marks } from "../marks.ts";

/** Marks what a node wants quantized. Gives the reason where it marks nothing, so that the node stays in float. */
export type ReferenceRule = (node: NodeProto, marks: Marks) => string | undefined;

export function inputOf(node: NodeProto, index: number): string {
  return node.input[index] ?? "";
}

export function outputOf(node: NodeProto): string {
  return node.output[0] ?? "";
}
