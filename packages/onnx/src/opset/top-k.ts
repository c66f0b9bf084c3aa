import { findAttribute } from "../attributes.ts";
import { baseName, rewrite, type Converter } from "./converter.ts";

/** How many to take is an input since opset 10; opset 11 only added what it did before as defaults. */
export const topK: Converter = (node, context) => {
  if (context.from >= 10) return [node];
  const count = findAttribute(node, "k");
  if (count === undefined) return "it does not say how many to take";
  const input = [node.input[0] ?? "", context.integers(`${baseName(node)}_k`, [count.i])];
  return [rewrite(node, { input, without: ["k"] })];
};
