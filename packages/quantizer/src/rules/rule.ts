import type { Graph, NodeProto } from "@edgewatt/onnx";
import type { QuantParams } from "../arithmetic.ts";

/** The groups of operators; each has a module of its own. */
export type RuleName = "conv-like" | "independent" | "same-parameters" | "absorbed";

/** What a rule may ask and note while it decides about a node. Nodes come in topological order. */
export interface RuleContext {
  readonly graph: Graph;
  /** Whether the tensor is float32, computed at run time, and has a calibrated range. */
  isActivation(tensor: string): boolean;
  /** Whether the tensor is quantized by what was decided so far. */
  isQuantized(tensor: string): boolean;
  /** Quantizes a tensor by its own range, unless it already is. */
  quantize(tensor: string): void;
  /** Quantizes `output` with the very parameters of `input`. */
  quantizeLike(output: string, input: string): void;
  /** Whether a graph inside a node (If, Loop) reads the tensor by its name, so that it cannot be 8-bit only. */
  isReadInside(tensor: string): boolean;
  /** What the tensor would be quantized with by its own range. */
  paramsOf(tensor: string): QuantParams;
  /**
   * Follows the Relu or Clip after a tensor, as far as quantizing already does their work; they are noted as absorbed.
   * @returns the tensor that the quantized node writes in the end
   */
  absorb(output: string): string;
  /** Whether quantizing a tensor with these parameters clips it to [low, high] by itself. */
  saturates(params: QuantParams, low: number, high: number): boolean;
  /** Notes the int8 weight (and int32 bias) of a node. */
  addWeights(node: NodeProto, weights: WeightUse): void;
  /** Notes a constant input that gets the activations' type. */
  addConstant(node: NodeProto, inputIndex: number): void;
}

/** How a node uses constant weights. */
export interface WeightUse {
  /** The axis of the weight that counts output channels; undefined where only one scale is possible. */
  readonly axis: number | undefined;
  readonly biasIndex: number | undefined;
}

/** Undefined when the node becomes quantized, with everything noted in the context; else why it stays in float. */
export type Rule = (node: NodeProto, context: RuleContext) => string | undefined;
