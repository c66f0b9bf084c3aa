import type { Graph, NodeProto } from "@edgewatt/onnx";
import { absorbed } from "./absorbed.ts";
import { convLike } from "./conv-like.ts";
import { hardSigmoid } from "./hard-sigmoid.ts";
import { independent } from "./independent.ts";
import { readsIntegers } from "./reads-integers.ts";
import { rescaled } from "./rescaled.ts";
import type { Rule, RuleName } from "./rule.ts";
import { sameParameters } from "./same-parameters.ts";

/** What the quantizer does with an operator, and what ONNX Runtime 1.30 has for it on the CPU (found by looking at optimized graphs). */
export interface Operator {
  readonly rule: RuleName;
  /**
   * `fuses`: an integer operator that computes and rounds; `moves`: its own kernel takes int8 and uint8 and gives the same values; `none`:
   * neither, so that it could only be simulated.
   */
  readonly integerForm: "fuses" | "moves" | "none";
  /** The first operator set in which that holds, where it is later than QuantizeLinear's. */
  readonly sinceOpset?: number;
  /** Why it stays in float, for operators that always do. */
  readonly reason?: string;
}

const NO_INTEGER_KERNEL = "ONNX Runtime has no integer kernel for it on the CPU";

/** Every operator of onnxruntime's own quantizer, and those that its rules reach by a rewrite; all others stay in float. */
export const OPERATORS: Readonly<Record<string, Operator>> = {
  Conv: { rule: "conv-like", integerForm: "fuses" },
  Gemm: { rule: "conv-like", integerForm: "fuses" },
  MatMul: { rule: "conv-like", integerForm: "fuses" },
  ConvTranspose: { rule: "float", integerForm: "none", reason: NO_INTEGER_KERNEL },

  Add: { rule: "independent", integerForm: "fuses" },
  Mul: { rule: "independent", integerForm: "fuses" },
  Concat: { rule: "independent", integerForm: "fuses" },
  GlobalAveragePool: { rule: "independent", integerForm: "fuses" },
  LeakyRelu: { rule: "independent", integerForm: "fuses" },
  Sigmoid: { rule: "independent", integerForm: "fuses" },
  Softmax: { rule: "independent", integerForm: "fuses" },
  Where: { rule: "independent", integerForm: "fuses" },
  HardSigmoid: { rule: "hard-sigmoid", integerForm: "fuses" },
  HardSwish: { rule: "hard-sigmoid", integerForm: "fuses" },
  Div: { rule: "rescaled", integerForm: "none" },

  AveragePool: { rule: "same-parameters", integerForm: "fuses" },
  MaxPool: { rule: "same-parameters", integerForm: "moves", sinceOpset: 12 },
  Expand: { rule: "same-parameters", integerForm: "moves" },
  Flatten: { rule: "same-parameters", integerForm: "moves" },
  Gather: { rule: "same-parameters", integerForm: "moves" },
  GatherElements: { rule: "same-parameters", integerForm: "moves" },
  Pad: { rule: "same-parameters", integerForm: "moves", sinceOpset: 11 },
  Reshape: { rule: "same-parameters", integerForm: "moves" },
  Resize: { rule: "same-parameters", integerForm: "moves", sinceOpset: 11 },
  Slice: { rule: "same-parameters", integerForm: "moves" },
  Split: { rule: "same-parameters", integerForm: "moves" },
  Squeeze: { rule: "same-parameters", integerForm: "moves" },
  Tile: { rule: "same-parameters", integerForm: "moves" },
  TopK: { rule: "same-parameters", integerForm: "moves", sinceOpset: 11 },
  Transpose: { rule: "same-parameters", integerForm: "moves" },
  Unsqueeze: { rule: "same-parameters", integerForm: "moves" },

  Clip: { rule: "absorbed", integerForm: "moves", sinceOpset: 12 },
  Relu: { rule: "absorbed", integerForm: "moves", sinceOpset: 12 },

  ArgMax: { rule: "reads-integers", integerForm: "moves", sinceOpset: 13 },

  BatchNormalization: {
    rule: "float",
    integerForm: "none",
    reason: `${NO_INTEGER_KERNEL}, and it could not be folded into a Conv, ConvTranspose, Gemm or MatMul`,
  },
  CumSum: { rule: "float", integerForm: "none", reason: NO_INTEGER_KERNEL },
  "com.microsoft:EmbedLayerNormalization": { rule: "float", integerForm: "none", reason: NO_INTEGER_KERNEL },
  InstanceNormalization: { rule: "float", integerForm: "none", reason: NO_INTEGER_KERNEL },
  LayerNormalization: { rule: "float", integerForm: "none", reason: NO_INTEGER_KERNEL },
};

const RULES: Readonly<Record<RuleName, Rule>> = {
  "conv-like": convLike,
  independent,
  "same-parameters": sameParameters,
  absorbed,
  "hard-sigmoid": hardSigmoid,
  rescaled,
  "reads-integers": readsIntegers,
  float: (node) => operatorOf(node)?.reason,
};

/** The rule of a node; for an operator that is not in the table, or in an operator set that is too old for it, one that says so. */
export function ruleOf(node: NodeProto, graph: Graph): Rule {
  const operator = operatorOf(node);
  if (operator === undefined) return () => `the quantizer has no rule for ${node.opType}`;
  const { rule, sinceOpset = 0 } = operator;
  // A Relu or Clip that disappears needs no kernel of its own.
  if (graph.opset < sinceOpset && rule !== "absorbed") {
    return () => `opset ${graph.opset} has no 8-bit ${node.opType}: export with opset ${sinceOpset} or later`;
  }
  return RULES[rule];
}

/** Whether ONNX Runtime may run it in 8 bits, given 8-bit inputs. */
export function canBeQuantized(node: NodeProto): boolean {
  const rule = operatorOf(node)?.rule;
  return rule !== undefined && rule !== "float";
}

/** Whether it only moves or selects values, so that the output is in float where the input is. */
export function movesValues(node: NodeProto): boolean {
  return operatorOf(node)?.rule === "same-parameters";
}

/** Whether ONNX Runtime has an integer operator for it that computes, so that it rounds by itself. */
export function computesInIntegers(node: NodeProto): boolean {
  return operatorOf(node)?.integerForm === "fuses";
}

/** The tensors, computed at run time, that operators of the table read and write. */
export function candidateTensors(graph: Graph): string[] {
  const names = new Set<string>();
  for (const node of graph.nodes) {
    if (!canBeQuantized(node)) continue;
    for (const name of [...node.input, ...node.output]) {
      if (name !== "" && graph.constant(name) === undefined) names.add(name);
    }
  }
  return [...names];
}

function operatorOf(node: NodeProto): Operator | undefined {
  return OPERATORS[node.domain === "" || node.domain === "ai.onnx" ? node.opType : `${node.domain}:${node.opType}`];
}
