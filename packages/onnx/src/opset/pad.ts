import { floatAttribute } from "../attributes.ts";
import { baseName, intsAttribute, rewrite, type Converter } from "./converter.ts";

/** Pads and the value to pad with are inputs since opset 11. */
export const pad: Converter = (node, context) => {
  if (context.from >= 11) return [node];
  const value = floatAttribute(node, "value", 0);
  if (value !== 0 && !context.onlyFloat32)
    return "the type of the value that it pads with is not known, as not all tensors are float32";
  const base = baseName(node);
  const input = [node.input[0] ?? "", context.integers(`${base}_pads`, intsAttribute(node, "pads") ?? [])];
  if (value !== 0) input.push(context.float(`${base}_value`, value));
  return [rewrite(node, { input, without: ["pads", "value"] })];
};
