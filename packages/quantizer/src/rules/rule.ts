import type { Graph, NodeProto } from "@edgewatt/onnx";
import type { QuantParams } from "../int8/arithmetic.ts";

/** The groups of operators; each has a module of its own. */
export type RuleName =
  | "conv-like"
  | "independent"
  | "same-parameters"
  | "absorbed"
  | "hard-sigmoid"
  | "rescaled"
  | "reads-integers"
  | "float";

/** What a rule may ask and note while it decides about a node. Nodes come in topological order. */
export interface RuleContext {
  readonly graph: Graph;
  /** Whether the tensor is float32, computed at run time, and has a calibrated range. */
  isActivation(tensor: string): boolean;
  /** Whether the tensor is quantized by what was decided so far. */
  isQuantized(tensor: string): boolean;
  /** Whether quantizing the node keeps integers together: one of its inputs is quantized, or the caller asked for this very node. */
  isChained(node: NodeProto): boolean;
  /** Quantizes a tensor by its own range, unless it already is. */
  quantize(tensor: string): void;
  /** Quantizes `output` with the very parameters of `input`. */
  quantizeLike(output: string, input: string): void;
  /**
   * Lets `output` have the integers of `input` at `factor` times its scale, so that the node needs no operator at all.
   * @returns whether that scale is a normal float32; nothing is noted otherwise
   */
  rescale(node: NodeProto, output: string, input: string, factor: number): boolean;
  /** Whether a graph inside a node (If, Loop) reads the tensor by its name, so that it cannot be 8-bit only. */
  isReadInside(tensor: string): boolean;
  /** Whether no reader of the tensor will read it in 8 bits, as far as their operators tell. */
  isReadInFloat(tensor: string): boolean;
  /** The largest magnitude that calibration saw in the tensor. */
  magnitude(tensor: string): number;
  /** What the tensor would be quantized with by its own range. */
  paramsOf(tensor: string): QuantParams;
  /** The integer that stands for a value in a quantized tensor, clipped to the type. */
  integerOf(tensor: string, value: number): number;
  /**
   * Follows the Relu or Clip after a tensor, as far as quantizing already does their work; they are noted as absorbed.
   * @returns the tensor that the quantized node writes in the end
   */
  absorb(output: string): string;
  /** Notes the int8 weight (and int32 bias) of a node. */
  addWeights(node: NodeProto, weights: WeightUse): void;
  /** Notes a constant input that gets the activations' type. */
  addConstant(node: NodeProto, inputIndex: number): void;
  /** Notes that the node is written in another way than between DequantizeLinear and QuantizeLinear. */
  rewrite(node: NodeProto, rewrite: Rewrite): void;
}

/** How a node uses constant weights. */
export interface WeightUse {
  /** The axis of the weight that counts output channels; undefined where only one scale is possible. */
  readonly axis: number | undefined;
  readonly biasIndex: number | undefined;
}

export type Rewrite =
  /** Works on the integers themselves, as ONNX Runtime does not drop the Q and DQ around it. `constants`: integers for other inputs, by index. */
  | { readonly kind: "integers"; readonly opType: string; readonly constants: ReadonlyMap<number, number> }
  /** max(0, min(1, alpha * x + beta)); as a factor of x itself for HardSwish. */
  | { readonly kind: "hard-sigmoid"; readonly alpha: number; readonly beta: number; readonly timesInput: boolean }
  /** No operator: the integers of the input, read with another scale. */
  | { readonly kind: "rescaled" };

/** Undefined when the node becomes quantized, with everything noted in the context; else why it stays in float. */
export type Rule = (node: NodeProto, context: RuleContext) => string | undefined;
