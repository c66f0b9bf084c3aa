import { baseName, intsAttribute, rewrite, type Converter } from "./converter.ts";

/** Starts, ends and axes are inputs since opset 10. */
export const slice: Converter = (node, context) => {
  if (context.from >= 10) return [node];
  const base = baseName(node);
  const axes = intsAttribute(node, "axes");
  const input = [
    node.input[0] ?? "",
    context.integers(`${base}_starts`, intsAttribute(node, "starts") ?? []),
    context.integers(`${base}_ends`, intsAttribute(node, "ends") ?? []),
  ];
  if (axes !== undefined) input.push(context.integers(`${base}_axes`, axes));
  return [rewrite(node, { input, without: ["starts", "ends", "axes"] })];
};
