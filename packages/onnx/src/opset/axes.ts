import { baseName, intsAttribute, rewrite, type Converter } from "./converter.ts";

/** Squeeze, Unsqueeze and ReduceSum take their axes as an input since opset 13. An empty list means all, as leaving it out does. */
export const axesToInput: Converter = (node, context) => {
  const axes = intsAttribute(node, "axes");
  if (axes === undefined || axes.length === 0) return [rewrite(node, { without: ["axes"] })];
  const input = [node.input[0] ?? "", context.integers(`${baseName(node)}_axes`, axes)];
  return [rewrite(node, { input, without: ["axes"] })];
};
