import { inputOf, outputOf, type ReferenceRule } from "./rule.ts";

/** All float inputs and outputs with parameters of their own (`QDQOperatorBase`). */
export const independent: ReferenceRule = (node, marks) => {
  const tensors = [...node.input, ...node.output].filter((tensor) => marks.isFloat(tensor));
  for (const tensor of tensors) marks.activation(tensor);
  return tensors.length > 0 ? undefined : "the types of its tensors are not known";
};

/** `QDQWhere`: only between two quantized choices. */
export const where: ReferenceRule = (node, marks) => {
  if (!marks.isQuantized(inputOf(node, 1)) || !marks.isQuantized(inputOf(node, 2)))
    return "one of its choices is not quantized";
  marks.activation(outputOf(node));
  return undefined;
};
