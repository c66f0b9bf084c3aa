import type { ModelProto } from "@edgewatt/onnx";
import fc from "fast-check";
import { ModelBuilder } from "./build-model.ts";

const step = fc.record({
  kind: fc.constantFrom(
    "conv",
    "depthwise",
    "residual",
    "pool",
    "concat",
    "bare",
    "transpose",
    "exp",
    "gate",
    "swish",
    "shared",
    "leaky",
    "split",
    "pad",
    "resize",
    "scaled",
    "before",
    "outer",
    "softmax",
  ),
  activation: fc.constantFrom("none", "relu", "relu6"),
  batchNorm: fc.boolean(),
  channels: fc.integer({ min: 1, max: 20 }),
  kernel: fc.constantFrom(1, 3),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** A network as `buildNetwork` makes it; it shrinks to fewer and simpler steps. */
export const network = fc.record({
  seed: fc.integer({ min: 1, max: 1_000_000 }),
  opset: fc.constantFrom(11, 13, 17),
  steps: fc.array(step, { minLength: 1, maxLength: 6 }),
  head: fc.constantFrom("none", "gemm", "matmul", "softmax"),
  twoOutputs: fc.boolean(),
});
export type Network = typeof network extends fc.Arbitrary<infer T> ? T : never;

/** The side of the images that a network takes, in 4 channels. */
export const NETWORK_SIDE = 8;

const integers = (...values: number[]): BigInt64Array => BigInt64Array.from(values.map(BigInt));
const scalar = (b: ModelBuilder, value: number): string => b.constant([], Float32Array.of(value));

/** A random network of one input `x`: each step reads the last tensor, some join it with one before. */
export function buildNetwork({ seed, opset, steps, head, twoOutputs }: Network): ModelProto {
  const b = new ModelBuilder({ seed, opset });
  let channels = 4;
  const first = b.conv(b.input("x", ["batch", 4, NETWORK_SIDE, NETWORK_SIDE]), 4, 4);
  let tensor = first;
  for (const [index, one] of steps.entries()) {
    ({ tensor, channels } = addStep(b, tensor, channels, one, index));
    if (one.batchNorm) tensor = b.batchNorm(tensor, channels);
    if (one.activation === "relu") tensor = b.relu(tensor);
    if (one.activation === "relu6") tensor = b.relu6(tensor);
  }
  if (head === "none") b.output(tensor, ["batch", channels, NETWORK_SIDE, NETWORK_SIDE]);
  else b.output(addHead(b, tensor, channels, head), ["batch", 5]);
  if (twoOutputs) b.output(first, ["batch", 4, NETWORK_SIDE, NETWORK_SIDE]);
  return b.build();
}

function addStep(
  b: ModelBuilder,
  before: string,
  channels: number,
  one: Step,
  index: number,
): { tensor: string; channels: number } {
  const { kernel } = one;
  const same = (tensor: string): { tensor: string; channels: number } => ({ tensor, channels });
  switch (one.kind) {
    case "conv":
      return { tensor: b.conv(before, channels, one.channels, { kernel }), channels: one.channels };
    case "depthwise":
      return same(b.conv(before, channels, channels, { kernel, groups: channels }));
    case "residual":
      return same(b.node("Add", [b.conv(before, channels, channels, { kernel }), before]));
    case "pool": {
      const attributes = { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] };
      return same(b.node(kernel === 1 ? "MaxPool" : "AveragePool", [before], attributes));
    }
    case "concat": {
      const joined = b.node("Concat", [b.conv(before, channels, one.channels), before], { axis: 1n });
      return { tensor: joined, channels: channels + one.channels };
    }
    case "bare":
      return same(b.conv(before, channels, channels, { kernel: 1, bias: false }));
    case "transpose":
      return same(b.node("Transpose", [before], { perm: [0n, 1n, 3n, 2n] }));
    case "exp":
      // An operator that has no rule; Tanh before it keeps its output small.
      return same(b.node("Exp", [b.node("Tanh", [before])]));
    case "gate": {
      const squeezed = b.conv(b.node("GlobalAveragePool", [before]), channels, channels, { kernel: 1 });
      return same(b.node("Mul", [before, b.node(kernel === 1 ? "Sigmoid" : "HardSigmoid", [squeezed])]));
    }
    case "swish": {
      const clipped = b.node("Clip", [b.node("Add", [before, scalar(b, 3)]), scalar(b, 0), scalar(b, 6)]);
      return same(b.node("Div", [b.node("Mul", [before, clipped]), scalar(b, 6)]));
    }
    case "shared": {
      const weight = b.weight([channels, channels, 1, 1], -0.5, 0.5);
      return same(b.node("Conv", [b.node("Conv", [before, weight]), weight]));
    }
    case "leaky":
      return same(b.node("LeakyRelu", [b.conv(before, channels, channels, { kernel })], { alpha: 0.1 }));
    case "split": {
      const parts = [`low_${index}`, `high_${index}`];
      b.nodes("Split", [b.node("Concat", [before, before], { axis: 1n })], parts, { axis: 1n });
      return same(b.node("Add", parts));
    }
    case "pad": {
      const padded = b.node("Pad", [before, b.constant([8], integers(0, 0, 1, 1, 0, 0, 1, 1))]);
      const attributes = { kernel_shape: [3n, 3n], group: BigInt(channels) };
      return same(b.node("Conv", [padded, b.weight([channels, 1, 3, 3], -0.5, 0.5)], attributes));
    }
    case "resize": {
      const larger = b.node("Resize", [before, scalarless(b), b.constant([4], Float32Array.of(1, 1, 2, 2))], {
        mode: "nearest",
      });
      return same(b.node("MaxPool", [larger], { kernel_shape: [2n, 2n], strides: [2n, 2n] }));
    }
    case "scaled":
      return same(b.node(kernel === 1 ? "Mul" : "Div", [before, scalar(b, 0.7)]));
    case "before":
      // The order of a pre-activation network: the Relu reads what is added again behind it.
      return same(b.node("Add", [b.conv(b.relu(before), channels, channels, { kernel }), before]));
    case "outer":
      return same(b.node("Mul", [before, b.weight([NETWORK_SIDE], 0.5, 1.5)]));
    case "softmax":
      return same(b.node("Softmax", [before], { axis: 3n }));
    default:
      return same(before);
  }
}

/** Resize of opset 11 demands its second input, as an empty tensor. */
function scalarless(b: ModelBuilder): string {
  return b.constant([0], new Float32Array());
}

function addHead(b: ModelBuilder, tensor: string, channels: number, head: "gemm" | "matmul" | "softmax"): string {
  const flat = b.node("Flatten", [b.node("GlobalAveragePool", [tensor])]);
  switch (head) {
    case "gemm":
      return b.gemm(flat, channels, 5);
    case "matmul":
      return b.node("Add", [b.node("MatMul", [flat, b.weight([channels, 5], -0.5, 0.5)]), b.weight([5], -0.5, 0.5)]);
    case "softmax":
      return b.node("Softmax", [b.gemm(b.relu(b.gemm(flat, channels, 8)), 8, 5)], { axis: 1n });
  }
}
