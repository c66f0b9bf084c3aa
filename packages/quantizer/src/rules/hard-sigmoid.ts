import { floatAttribute } from "@edgewatt/onnx";
import type { Rule } from "./rule.ts";

/**
 * HardSigmoid and HardSwish (x * HardSigmoid(x) with alpha 1/6 and beta 1/2). ONNX Runtime has no integer form of either, but alpha * x is
 * x with another scale, adding beta is a QLinearAdd, and 8 bits over the range of the result clip to [0, 1].
 */
export const hardSigmoid: Rule = (node, context) => {
  const [input = ""] = node.input;
  const [output = ""] = node.output;
  if (!context.isActivation(input) || !context.isActivation(output)) return "its input or output is not float32";
  if (context.isReadInside(output)) return "a graph inside another node reads its output";
  if (!context.isChained(node)) return "no quantized operator stands before it";
  const timesInput = node.opType === "HardSwish";
  const alpha = timesInput ? 1 / 6 : floatAttribute(node, "alpha", 0.2);
  const beta = floatAttribute(node, "beta", 0.5);
  if (alpha <= 0 || beta <= 0) return "its alpha or beta is not positive";
  context.quantize(input);
  context.quantize(output);
  context.rewrite(node, { kind: "hard-sigmoid", alpha, beta, timesInput });
  return undefined;
};
