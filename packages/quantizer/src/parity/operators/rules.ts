import { conv, gemm, matMul, normalization } from "./conv-like.ts";
import { independent, where } from "./independent.ts";
import { removable } from "./removable.ts";
import type { ReferenceRule } from "./rule.ts";
import { direct, gather, maxPool, pad, resize, split } from "./same-parameters.ts";

/** The reference's registry of `quantize_static` (registry.py): `QDQRegistry`, and the base rule for what only `QLinearOpsRegistry` names. */
const RULES: Readonly<Record<string, ReferenceRule>> = {
  Add: independent,
  ArgMax: independent,
  AveragePool: direct,
  BatchNormalization: normalization,
  Clip: removable,
  Concat: independent,
  Conv: conv,
  ConvTranspose: conv,
  CumSum: independent,
  EmbedLayerNormalization: independent,
  Flatten: direct,
  Gather: gather,
  GatherElements: gather,
  Gemm: gemm,
  GlobalAveragePool: independent,
  InstanceNormalization: normalization,
  LayerNormalization: normalization,
  LeakyRelu: independent,
  MatMul: matMul,
  MaxPool: maxPool,
  Mul: independent,
  Pad: pad,
  Relu: removable,
  Reshape: direct,
  Resize: resize,
  Sigmoid: independent,
  Slice: direct,
  Softmax: independent,
  Split: split,
  Squeeze: direct,
  TopK: direct,
  Transpose: direct,
  Unsqueeze: direct,
  Where: where,
};

/** The rule of an operator, whatever its domain; undefined where the reference leaves it in float. */
export function referenceRule(opType: string): ReferenceRule | undefined {
  return Object.hasOwn(RULES, opType) ? RULES[opType] : undefined;
}
