import { rewrite, type Converter } from "./converter.ts";

/** Scatter is called ScatterElements since opset 11. */
export const scatter: Converter = (node) => [rewrite(node, { opType: "ScatterElements" })];
