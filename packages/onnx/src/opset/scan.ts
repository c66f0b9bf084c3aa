import type { Converter } from "./converter.ts";

/** Scan has a batch side and lengths of sequences in opset 8 only. */
export const scan: Converter = (node, context) =>
  context.from === 8 ? "Scan of opset 8 has a batch side that newer operator sets do not know" : [node];
