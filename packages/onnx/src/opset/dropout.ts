import { findAttribute } from "../attributes.ts";
import { baseName, rewrite, type Converter } from "./converter.ts";

/** `ratio` is an input since opset 12; the mask became boolean with opset 10. */
export const dropout: Converter = (node, context) => {
  if (context.from >= 12) return [node];
  if (context.from < 10 && (node.output[1] ?? "") !== "") return "its mask has another type in newer operator sets";
  const ratio = findAttribute(node, "ratio");
  if (ratio === undefined) return [node];
  const input = [node.input[0] ?? "", context.float(`${baseName(node)}_ratio`, ratio.f)];
  return [rewrite(node, { input, without: ["ratio"] })];
};
