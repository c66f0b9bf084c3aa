import { baseName, intsAttribute, rewrite, type Converter } from "./converter.ts";

/** The sizes of the parts are an input since opset 13; without them the parts are equal, before and after. */
export const split: Converter = (node, context) => {
  const sizes = intsAttribute(node, "split");
  if (sizes === undefined || sizes.length === 0) return [rewrite(node, { without: ["split"] })];
  const input = [node.input[0] ?? "", context.integers(`${baseName(node)}_split`, sizes)];
  return [rewrite(node, { input, without: ["split"] })];
};
