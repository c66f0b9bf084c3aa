import { findAttribute, readFloats, type Graph, type NodeProto } from "@edgewatt/onnx";
import type { Rule } from "./rule.ts";

/** Clip takes 8-bit integers since this operator set. */
const INTEGER_CLIP_OPSET = 12;

/**
 * Relu and Clip disappear into the quantization of the node before them. For those that cannot, as its output has other readers or its 8-bit range
 * does not end where they clip, the integers themselves are clipped: ONNX Runtime has no other integer form.
 */
export const absorbed: Rule = (node, context) => {
  const [input = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isQuantized(input)) return "no quantized operator stands before it";
  if (!context.isActivation(output)) return "its output is not float32";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  const bounds = clipBounds(context.graph, node);
  if (bounds === undefined) return "its bounds are computed at run time";
  if (context.graph.opset < INTEGER_CLIP_OPSET)
    return `opset ${context.graph.opset} has no 8-bit Clip: export with opset ${INTEGER_CLIP_OPSET} or later`;
  context.quantizeLike(output, input);
  const constants = new Map([
    [1, context.integerOf(input, bounds.low)],
    [2, context.integerOf(input, bounds.high)],
  ]);
  context.rewrite(node, { kind: "integers", opType: "Clip", constants });
  return undefined;
};

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
