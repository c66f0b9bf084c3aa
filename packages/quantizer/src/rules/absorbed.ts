import { findAttribute, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import type { Rule } from "./rule.ts";

/** Relu and Clip disappear into the quantization of the node before them; here are those for which that did not work out. */
export const absorbed: Rule = (node, context) =>
  context.isQuantized(node.input[0] ?? "")
    ? "its input has other readers, a graph inside another node reads it, or its 8-bit range does not end where it clips"
    : "no quantized operator stands before it";

/** The interval that a Relu or Clip clips to; undefined for other nodes and for bounds computed at run time. */
export function clipBounds(graph: Graph, node: NodeProto): { low: number; high: number } | undefined {
  if (node.domain !== "") return undefined;
  if (node.opType === "Relu") return { low: 0, high: Infinity };
  if (node.opType !== "Clip") return undefined;
  const low = clipBound(graph, node, "min", 1, -Infinity);
  const high = clipBound(graph, node, "max", 2, Infinity);
  return low === undefined || high === undefined ? undefined : { low, high };
}

/** The bounds were attributes before opset 11 and are inputs since. */
function clipBound(
  graph: Graph,
  node: NodeProto,
  attribute: string,
  input: number,
  fallback: number,
): number | undefined {
  const name = node.input[input] ?? "";
  if (name === "") return findAttribute(node, attribute)?.f ?? fallback;
  const tensor = graph.constant(name);
  return tensor === undefined ? undefined : readFloats(tensor)[0];
}
