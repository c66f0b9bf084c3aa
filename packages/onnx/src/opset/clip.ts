import { findAttribute } from "../attributes.ts";
import { baseName, rewrite, type Converter } from "./converter.ts";

/** The bounds are inputs since opset 11. */
export const clip: Converter = (node, context) => {
  if (context.from >= 11) return [node];
  const low = findAttribute(node, "min");
  const high = findAttribute(node, "max");
  if ((low !== undefined || high !== undefined) && !context.onlyFloat32)
    return "the type of its bounds is not known, as not all tensors are float32";
  const input = [
    node.input[0] ?? "",
    low === undefined ? "" : context.float(`${baseName(node)}_min`, low.f),
    high === undefined ? "" : context.float(`${baseName(node)}_max`, high.f),
  ];
  while (input.at(-1) === "" && input.length > 1) input.pop();
  return [rewrite(node, { input, without: ["min", "max"] })];
};
