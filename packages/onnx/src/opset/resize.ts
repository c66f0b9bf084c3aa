import { findAttribute } from "../attributes.ts";
import { DataType } from "../data-type.ts";
import type { NodeProto } from "../proto.ts";
import { readFloats } from "../tensor.ts";
import { baseName, rewrite, type Converter, type OpsetContext } from "./converter.ts";

/** Resize of opset 10 has no region of interest, and no attributes that say how sides are counted. */
export const resize: Converter = (node, context) => {
  if (context.from >= 11) return [node];
  const [input = "", scales = ""] = node.input;
  return asResize(node, context, input, scales);
};

/** Upsample became Resize with opset 10; its scales were an attribute until opset 8. */
export const upsample: Converter = (node, context) => {
  const [input = "", given = ""] = node.input;
  const attribute = findAttribute(node, "scales");
  const scales = attribute === undefined ? given : context.floats(`${baseName(node)}_scales`, attribute.floats);
  return asResize(node, context, input, scales);
};

/**
 * ONNX Runtime counts sides of the old operators from 0 (`asymmetric`), and takes the nearest element by rounding down where it enlarges
 * and up where it shrinks (UpsampleBase, NearestMode::SIMPLE).
 */
function asResize(
  node: NodeProto,
  context: OpsetContext,
  input: string,
  scales: string,
): readonly NodeProto[] | string {
  const mode = new TextDecoder().decode(findAttribute(node, "mode")?.s ?? new TextEncoder().encode("nearest"));
  const attributes = { mode, coordinate_transformation_mode: "asymmetric" };
  if (mode !== "nearest" && mode !== "linear") return `its mode "${mode}" has no counterpart in newer operator sets`;
  const change = { opType: "Resize", input: [input, "", scales], without: ["scales"] };
  if (mode === "linear") return [rewrite(node, { ...change, attributes })];
  const rounding = nearestMode(context, scales);
  return rounding === undefined
    ? "how it rounds depends on scales that are computed at run time, or that enlarge one side and shrink another"
    : [rewrite(node, { ...change, attributes: { ...attributes, nearest_mode: rounding } })];
}

function nearestMode(context: OpsetContext, scales: string): "floor" | "ceil" | undefined {
  const tensor = context.constant(scales);
  if (tensor?.dataType !== DataType.FLOAT) return undefined;
  const factors = readFloats(tensor);
  if (factors.every((factor) => factor >= 1)) return "floor";
  return factors.every((factor) => factor <= 1) ? "ceil" : undefined;
}
