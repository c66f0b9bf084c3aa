import { DataType, makeTensor } from "@edgewatt/onnx";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import type { ParityCase } from "./case.ts";

const SAMPLES = 6;
const IMAGE = { kind: "dyadic", dims: [1, 4, 4, 4] } as const;
const CONV = { kernel_shape: [1n, 1n] };

function integers(...values: number[]): BigInt64Array {
  return BigInt64Array.from(values, BigInt);
}

function floats(...values: number[]): Float32Array {
  return Float32Array.from(values);
}

/** The operators whose output takes over the parameters of their input, after a quantized tensor and after a float one. */
export function moving(): ParityCase {
  const b = new ModelBuilder({ seed: 21 });
  const x = b.input("x", [1, 4, 4, 4]);
  const early = b.node("Transpose", [x], { perm: [0n, 2n, 3n, 1n] });
  const conv = b.node("Conv", [x, b.dyadic([4, 4, 1, 1], -1, 1, 0.125)], CONV);
  const transposed = b.node("Transpose", [conv], { perm: [0n, 2n, 3n, 1n] });
  const reshaped = b.node("Reshape", [transposed, b.constant([3], integers(4, 1, 16))]);
  const squeezed = b.node("Squeeze", [reshaped, b.constant([1], integers(1))]);
  const unsqueezed = b.node("Unsqueeze", [squeezed, b.constant([1], integers(0))]);
  const flattened = b.node("Flatten", [unsqueezed], { axis: 2n });
  const sliced = b.node("Slice", [
    flattened,
    b.constant([1], integers(0)),
    b.constant([1], integers(3)),
    b.constant([1], integers(0)),
  ]);
  const gathered = b.node("Gather", [sliced, b.constant([2], integers(0, 2))], { axis: 0n });
  const picked = b.node("GatherElements", [gathered, b.constant([2, 2], integers(1, 0, 0, 1))], { axis: 0n });
  b.nodes("Split", [squeezed, b.constant([2], integers(1, 3))], ["left", "right"], { axis: 0n });
  b.nodes("TopK", ["right", b.constant([1], integers(2))], ["largest", "places"], { axis: 1n });
  const best = b.node("ArgMax", [conv], { axis: 1n, keepdims: 0n });
  const pooled = b.node("AveragePool", [conv], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const resized = b.node("Resize", [pooled, "", b.constant([4], floats(1, 1, 2, 2))], {
    mode: "nearest",
    nearest_mode: "floor",
    coordinate_transformation_mode: "asymmetric",
  });
  const sides = b.constant([8], integers(0, 0, 1, 1, 0, 0, 1, 1));
  const zeros = b.node("Pad", [resized, sides]);
  const explicit = b.node("Pad", [resized, sides, b.constant([], floats(0))]);
  const ones = b.node("Pad", [resized, sides, b.constant([], floats(1.5))]);
  const mirrored = b.node("Pad", [resized, sides], { mode: "reflect" });
  const sum = b.node("Concat", [zeros, explicit, ones, mirrored], { axis: 1n });
  b.output(early, [1, 4, 4, 4]);
  b.output(picked, [2, 2]);
  b.output("left", [1, 16]);
  b.output("largest", [3, 2]);
  b.output(best, [1, 4, 4], DataType.INT64);
  b.output(sum, [1, 16, 6, 6]);
  return { name: "moving", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Operators with parameters of their own on all sides, and some that the registry does not know. */
export function independent(): ParityCase {
  const b = new ModelBuilder({ seed: 22 });
  const x = b.input("x", [1, 4, 4, 4]);
  const conv = b.node("Conv", [x, b.dyadic([4, 4, 1, 1], -1, 1, 0.125)], CONV);
  const leaky = b.node("LeakyRelu", [conv], { alpha: 0.25 });
  const summed = b.node("CumSum", [leaky, b.constant([], integers(3))]);
  const positive = b.node("Greater", [conv, b.constant([], floats(0))]);
  const chosen = b.node("Where", [positive, conv, leaky]);
  const unchosen = b.node("Where", [positive, b.node("Neg", [x]), b.constant([], floats(0.5))]);
  const zero = b.node("Mul", [conv, b.constant([], floats(0))]);
  const half = b.node("Sigmoid", [zero]);
  const hard = b.node("HardSigmoid", [conv], { alpha: 0.25, beta: 0.5 });
  const gated = b.node("Mul", [conv, hard]);
  const softmax = b.node("Softmax", [b.node("Flatten", [summed], { axis: 1n })], { axis: -1n });
  for (const name of [chosen, unchosen, half, gated]) b.output(name, [1, 4, 4, 4]);
  b.output(softmax, [1, 64]);
  return { name: "independent", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** The normalizations, on values whose mean is 0 and whose variance is 1. */
export function norms(): ParityCase {
  const b = new ModelBuilder({ seed: 23, opset: 17 });
  const x = b.input("x", [1, 4, 8]);
  const vector = (size: number): string => b.dyadic([size], -2, 2, 0.125);
  const instance = b.node("InstanceNormalization", [x, vector(4), vector(4)], { epsilon: 0 });
  const layer = b.node("LayerNormalization", [x, vector(8), vector(8)], { epsilon: 0 });
  const unbiased = b.node("LayerNormalization", [x, vector(8)], { epsilon: 0 });
  const variance = b.constant([4], floats(1, 4, 0.25, 16));
  const batch = b.node("BatchNormalization", [x, vector(4), vector(4), vector(4), variance], { epsilon: 0 });
  for (const name of [instance, layer, unbiased, batch]) b.output(name, [1, 4, 8]);
  return { name: "norms", model: b.build(), inputs: { x: { kind: "signs", dims: [1, 4, 8] } }, samples: SAMPLES };
}

/**
 * Tables that are read by index; the type of the fused operator's first output is known, that of what follows it only after the reference's
 * pre-processing.
 */
export function embeddings(): ParityCase {
  const b = new ModelBuilder({ seed: 24, domains: ["com.microsoft"] });
  const ids = b.input("ids", [1, 3], DataType.INT32);
  const segments = b.input("segments", [1, 3], DataType.INT32);
  const places = b.input("places", [1, 3], DataType.INT64);
  const rows = (count: number): string =>
    b.constant(
      [count, 8],
      Float32Array.from({ length: 8 * count }, (_, index) => (index % 2 === 0 ? 1 : -1)),
    );
  const empty = (count: number): string => b.constant([count, 8], new Float32Array(8 * count));
  const gamma = b.dyadic([8], -2, 2, 0.125);
  const beta = b.dyadic([8], -2, 2, 0.125);
  const table = b.dyadic([10, 8], -2, 2, 0.125);
  b.nodes(
    "EmbedLayerNormalization",
    [ids, segments, rows(10), empty(3), empty(2), gamma, beta],
    ["embedded", "mask_index"],
    { epsilon: 0 },
    "com.microsoft",
  );
  b.nodes(
    "EmbedLayerNormalization",
    [ids, segments, rows(10), empty(3), empty(2), gamma, beta],
    ["hidden", "mask_index_2"],
    { epsilon: 0 },
    "com.microsoft",
  );
  const looked = b.node("Gather", [table, places], { axis: 0n });
  const unknown = b.node("Add", ["hidden", looked]);
  const product = b.node("MatMul", [looked, b.dyadic([8, 4], -1, 1, 0.125)]);
  b.output("embedded", [1, 3, 8]);
  b.output(unknown, [1, 3, 8]);
  b.output(product, [1, 3, 4]);
  return {
    name: "embeddings",
    model: b.build(),
    inputs: {
      ids: { kind: "indices", dims: [1, 3], below: 10, type: "int32" },
      segments: { kind: "indices", dims: [1, 3], below: 2, type: "int32" },
      places: { kind: "indices", dims: [1, 3], below: 10, type: "int64" },
    },
    samples: SAMPLES,
  };
}

/** Operator set 11: MaxPool stays float, a Clip of it is not quantized either. */
export function opset11(): ParityCase {
  const b = new ModelBuilder({ seed: 25, opset: 11 });
  const x = b.input("x", [1, 4, 4, 4]);
  const conv = b.node("Conv", [x, b.dyadic([4, 4, 1, 1], -1, 1, 0.125), b.dyadic([4], -1, 1, 0.125)], CONV);
  const pooled = b.node("MaxPool", [b.relu6(conv)], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const clipped = b.relu(pooled);
  const padded = b.node("Pad", [conv, b.constant([8], integers(0, 0, 1, 0, 0, 0, 0, 1))]);
  b.output(b.node("Softmax", [b.node("Flatten", [clipped])]), [1, 16]);
  b.output(padded, [1, 4, 5, 5]);
  return { name: "opset-11", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Operator set 10, the oldest that the reference does not convert: limits and pads are attributes, Resize stays float. */
export function opset10(): ParityCase {
  const b = new ModelBuilder({ seed: 26, opset: 10 });
  const x = b.input("x", [1, 4, 4, 4]);
  const conv = b.node("Conv", [x, b.dyadic([4, 4, 1, 1], -1, 1, 0.125), b.dyadic([4], -1, 1, 0.125)], CONV);
  const clipped = b.node("Clip", [conv], { min: 0, max: 6 });
  const resized = b.node("Resize", [clipped, b.constant([4], floats(1, 1, 2, 2))], { mode: "nearest" });
  const padded = b.node("Pad", [clipped], { pads: [0n, 0n, 1n, 0n, 0n, 0n, 0n, 1n] });
  const filled = b.node("Pad", [clipped], { pads: [0n, 0n, 1n, 0n, 0n, 0n, 0n, 1n], value: 0.5 });
  b.output(resized, [1, 4, 8, 8]);
  b.output(padded, [1, 4, 5, 5]);
  b.output(filled, [1, 4, 5, 5]);
  return { name: "opset-10", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Weights from Constant nodes, which the reference takes for activations. */
export function constantNodes(): ParityCase {
  const b = new ModelBuilder({ seed: 27 });
  const x = b.input("x", [1, 4, 4, 4]);
  const value = (dims: readonly number[], values: Float32Array): string =>
    b.node("Constant", [], { value: makeTensor("", dims, values) });
  const weight = value(
    [4, 4, 1, 1],
    Float32Array.from({ length: 16 }, (_, index) => (((index * 7) % 16) - 8) / 8),
  );
  const first = b.node("Conv", [x, weight, value([4], floats(0.5, -1, 0.25, 2))], CONV);
  const second = b.node("Conv", [first, b.dyadic([4, 4, 1, 1], -1, 1, 0.125), b.dyadic([4], -1, 1, 0.125)], CONV);
  b.output(b.node("Add", [second, value([1], floats(1.5))]), [1, 4, 4, 4]);
  return { name: "constant-nodes", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Nodes that have no name, which the reference takes for one another when it copies a bias for its second owner. */
export function unnamedNodes(): ParityCase {
  const b = new ModelBuilder({ seed: 28 });
  const x = b.input("x", [1, 4, 4, 4]);
  const shared = b.dyadic([4], -1, 1, 0.125);
  const weight = (): string => b.dyadic([4, 4, 1, 1], -1, 1, 0.125);
  const first = b.node("Conv", [x, weight(), shared], CONV);
  const second = b.node("Conv", [first, weight(), shared], CONV);
  const ones = b.constant([4], floats(1, 1, 1, 1));
  const third = b.node("BatchNormalization", [second, shared, b.dyadic([4], -1, 1, 0.125), ones, ones], { epsilon: 0 });
  b.output(third, [1, 4, 4, 4]);
  const model = b.build();
  for (const node of model.graph?.node ?? []) node.name = "";
  return { name: "unnamed-nodes", model, inputs: { x: IMAGE }, samples: SAMPLES };
}

/** A Softmax behind an operator that ONNX does not know, so that it has no type and no range: the reference fails. */
export function untypedSoftmax(): ParityCase {
  const b = new ModelBuilder({ seed: 34, domains: ["com.microsoft"] });
  const x = b.input("x", [1, 4, 4, 4]);
  const conv = b.node("Conv", [x, b.dyadic([4, 4, 1, 1], -1, 1, 0.125)], CONV);
  b.nodes("FusedMatMul", [conv, b.dyadic([4, 4], -1, 1, 0.125)], ["product"], {}, "com.microsoft");
  const softmax = b.node("Softmax", [b.node("Add", ["product", conv])], { axis: 1n });
  b.output(b.node("Softmax", [softmax], { axis: 1n }), [1, 4, 4, 4]);
  return { name: "untyped-softmax", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}
