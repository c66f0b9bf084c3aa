import { intAttribute } from "../attributes.ts";
import { rewrite, type Converter } from "./converter.ts";

/** `spatial` went with opset 9; since then statistics are always per channel. */
export const batchNormalization: Converter = (node) =>
  intAttribute(node, "spatial", 1) === 0
    ? "it normalizes each element by itself (spatial = 0), which newer operator sets cannot"
    : [rewrite(node, { without: ["spatial"] })];
