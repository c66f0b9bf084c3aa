import type { Graph, NodeProto } from "@edgewatt/onnx";
import { absorbed } from "./absorbed.ts";
import { convLike } from "./conv-like.ts";
import { independent } from "./independent.ts";
import type { Rule, RuleName } from "./rule.ts";
import { sameParameters } from "./same-parameters.ts";

/** Every operator that can be quantized, by the rule that it follows; all others stay in float. */
const OPERATORS: Readonly<Record<string, RuleName>> = {
  Conv: "conv-like",
  Gemm: "conv-like",
  MatMul: "conv-like",
  Add: "independent",
  Mul: "independent",
  Concat: "independent",
  GlobalAveragePool: "independent",
  LeakyRelu: "independent",
  Sigmoid: "independent",
  Softmax: "independent",
  AveragePool: "same-parameters",
  MaxPool: "same-parameters",
  Flatten: "same-parameters",
  Reshape: "same-parameters",
  Squeeze: "same-parameters",
  Transpose: "same-parameters",
  Unsqueeze: "same-parameters",
  Clip: "absorbed",
  Relu: "absorbed",
};

const RULES: Readonly<Record<RuleName, Rule>> = {
  "conv-like": convLike,
  independent,
  "same-parameters": sameParameters,
  absorbed,
};

/** The rule of a node, or undefined for an operator that is not in the table. */
export function ruleOf(node: NodeProto): Rule | undefined {
  const name = node.domain === "" ? OPERATORS[node.opType] : undefined;
  return name === undefined ? undefined : RULES[name];
}

/** Whether ONNX Runtime has an integer operator for it that computes, so that it rounds by itself. */
export function computesIn8Bits(node: NodeProto): boolean {
  const name = node.domain === "" ? OPERATORS[node.opType] : undefined;
  return name === "conv-like" || name === "independent" || node.opType === "AveragePool";
}

/** The tensors, computed at run time, that operators of the table read and write. */
export function candidateTensors(graph: Graph): string[] {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (ruleOf(node) === undefined) continue;
    for (const name of [...node.input, ...node.output]) {
      if (name !== "" && graph.constant(name) === undefined) names.add(name);
    }
  }
  return [...names];
}
