import type { Rule } from "./rule.ts";

/** ArgMax: its result is no float, and it is the same for the integers as for what they stand for. */
export const readsIntegers: Rule = (node, context) =>
  context.isQuantized(node.input[0] ?? "") ? undefined : "its input is in float";
