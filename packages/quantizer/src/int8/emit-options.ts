import type { QuantizationFormat } from "./format.ts";

/** How a plan becomes an int8 model. */
export interface EmitOptions {
  readonly format: QuantizationFormat;
  readonly perChannel: boolean;
  readonly reducedRange: boolean;
  /** By node name: int8 weights in place of those rounded to nearest; their scales are those that `int8Weights` tells. */
  readonly weights?: ReadonlyMap<string, Int8Array>;
  /** By node name: bias values in place of the node's own, or of none (not for MatMul, which has no bias). */
  readonly biases?: ReadonlyMap<string, Float32Array>;
}
