import { inputOf, outputOf, type ReferenceRule } from "./rule.ts";

/** `QDQRemovableActivation`: a Relu or Clip goes where quantizing its output clips all the same, and nobody else sees its input. */
export const removable: ReferenceRule = (node, marks) => {
  const input = inputOf(node, 0);
  const output = outputOf(node);
  if (!marks.isQuantized(input)) return "its input is not quantized";
  if (marks.replaceUpstream(input, output)) marks.removed.add(node);
  else marks.activation(input);
  marks.activation(output);
  return undefined;
};
