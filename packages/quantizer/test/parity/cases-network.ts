import type { ModelProto } from "@edgewatt/onnx";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import type { ParityCase } from "./case.ts";

const SAMPLES = 6;
const IMAGE = { kind: "dyadic", dims: [1, 3, 8, 8] } as const;

type Attributes = Parameters<ModelBuilder["node"]>[2];

function convAttributes(kernel: number, more: Attributes = {}): Attributes {
  const pad = BigInt((kernel - 1) / 2);
  return { kernel_shape: [BigInt(kernel), BigInt(kernel)], pads: [pad, pad, pad, pad], ...more };
}

function floats(...values: number[]): Float32Array {
  return Float32Array.from(values);
}

/** Plain, depthwise, grouped and 1x1 convolutions with what follows them, to a classifier. */
export function network(): ParityCase {
  const b = new ModelBuilder({ seed: 11 });
  const x = b.input("x", [1, 3, 8, 8]);
  const stem = b.node(
    "Conv",
    [x, b.dyadic([8, 3, 3, 3], -1, 1, 1 / 32), b.dyadic([8], -0.5, 0.5, 1 / 8)],
    convAttributes(3),
  );
  const relu = b.relu(stem);
  const depthwise = b.node(
    "Conv",
    [relu, b.dyadic([8, 1, 3, 3], -1, 1, 0.5), b.dyadic([8], -0.5, 0.5, 1 / 8)],
    convAttributes(3, { group: 8n }),
  );
  const clipped = b.relu6(depthwise);
  const grouped = b.node("Conv", [clipped, b.dyadic([8, 4, 3, 3], -1, 1, 0.5)], convAttributes(3, { group: 2n }));
  const pooled = b.node("MaxPool", [b.relu(grouped)], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const pointwise = b.node(
    "Conv",
    [pooled, b.dyadic([8, 8, 1, 1], -1, 1, 0.5), b.dyadic([8], -0.5, 0.5, 0.5)],
    convAttributes(1),
  );
  const average = b.node("GlobalAveragePool", [b.node("LeakyRelu", [pointwise], { alpha: 0.25 })]);
  const flat = b.node("Flatten", [average], { axis: 1n });
  b.output(b.node("Gemm", [flat, b.dyadic([5, 8], -1, 1, 0.5), b.dyadic([5], -1, 1, 0.25)], { transB: 1n }), [1, 5]);
  return { name: "network", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Tensors with several readers, graph outputs in the middle, activations that must stay and that may go. */
export function branches(): ParityCase {
  const b = new ModelBuilder({ seed: 12 });
  const x = b.input("x", [1, 3, 8, 8]);
  const conv = (input: string, from: number): string =>
    b.node("Conv", [input, b.dyadic([4, from, 3, 3], -1, 1, 0.25), b.dyadic([4], -1, 1, 0.25)], convAttributes(3));
  const onInput = b.relu(x);
  const stem = conv(x, 3);
  const kept = b.relu(stem);
  const alsoReads = b.node("Mul", [stem, b.constant([1, 4, 1, 1], floats(0.5, -0.25, 1.5, 0))]);
  const middle = conv(kept, 4);
  b.output(middle, [1, 4, 8, 8]);
  const afterOutput = b.node("Clip", [middle, b.constant([], floats(-2)), b.constant([], floats(4))]);
  const residual = b.node("Add", [afterOutput, kept]);
  const twice = b.node("Add", [residual, residual]);
  const removed = b.node("Clip", [twice, b.constant([], floats(-1))]);
  const shifted = b.node("Add", [removed, b.constant([4, 1, 1], floats(0.75, -3, 2.5, 1))]);
  const joined = b.node("Concat", [shifted, alsoReads, onInput], { axis: 1n });
  // Sub is not in the registry: its output stays float, and so does the Relu that follows.
  const difference = b.relu(b.node("Sub", [joined, b.constant([1], floats(0.5))]));
  b.output(difference, [1, 11, 8, 8]);
  b.output(joined, [1, 11, 8, 8]);
  return { name: "branches", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Weights and biases with two owners, biases that int32 could not hold, channels and tensors of zeros. */
export function sharing(): ParityCase {
  const b = new ModelBuilder({ seed: 13 });
  const x = b.input("x", [1, 3, 8, 8]);
  const weight = b.dyadic([3, 3, 3, 3], -1, 1, 0.25);
  const bias = b.dyadic([3], -1, 1, 0.25);
  const first = b.node("Conv", [x, weight, bias], convAttributes(3));
  const second = b.node("Conv", [first, weight, bias], convAttributes(3));
  const third = b.node("Add", [
    second,
    b.node("Conv", [x, b.dyadic([3, 3, 1, 1], -1, 1, 0.5), bias], convAttributes(1)),
  ]);
  const tiny = b.constant([3, 3, 1, 1], floats(2 ** -30, 0, -(2 ** -31), 0, 0, 0, 0.5, 0.25, 0.125));
  const guarded = b.node("Conv", [third, tiny, b.constant([3], floats(4.5, -3, 0.25))], convAttributes(1));
  const both = b.constant([3, 3, 1, 1], floats(2 ** -28, 0, 0, 2 ** -27, 0, 0, 2 ** -29, 0, 0));
  const guardedTensor = b.node("Conv", [x, both, b.constant([3], floats(3, -5, 0.5))], convAttributes(1));
  const zero = b.node("Conv", [x, b.constant([2, 3, 1, 1], new Float32Array(6))], convAttributes(1));
  const nothing = b.node("Mul", [zero, b.constant([], floats(0))]);
  for (const name of [guarded, guardedTensor]) b.output(name, [1, 3, 8, 8]);
  b.output(nothing, [1, 2, 8, 8]);
  return { name: "sharing", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Gemm in all forms, MatMul with constants on either side, of rank 1, 2 and 3, and without. */
export function linear(): ParityCase {
  const b = new ModelBuilder({ seed: 14 });
  const x = b.input("x", [4, 8]);
  const bias = b.dyadic([6], -1, 1, 0.125);
  const plain = b.node("Gemm", [x, b.dyadic([8, 6], -1, 1, 0.125), bias], { beta: 0.5 });
  const again = b.node("Gemm", [plain, b.dyadic([6, 6], -1, 1, 0.25), bias], { transB: 1n, alpha: 2, beta: 0.25 });
  const bare = b.node("Gemm", [again, b.dyadic([6, 6], -1, 1, 0.5)]);
  const dynamicBias = b.node("Gemm", [x, b.dyadic([8, 6], -1, 1, 0.125), bare]);
  const right = b.node("MatMul", [x, b.dyadic([8, 3], -1, 1, 0.0625)]);
  const left = b.node("MatMul", [b.dyadic([2, 4], -1, 1, 0.125), right]);
  const vector = b.node("MatMul", [x, b.dyadic([8], -1, 1, 0.0625)]);
  const stacked = b.node("MatMul", [x, b.dyadic([2, 8, 3], -1, 1, 0.0625)]);
  const products = b.node("MatMul", [b.node("Transpose", [x], { perm: [1n, 0n] }), x]);
  b.output(dynamicBias, [4, 6]);
  b.output(left, [2, 3]);
  b.output(vector, [4]);
  b.output(stacked, [2, 4, 3]);
  b.output(products, [8, 8]);
  return { name: "linear", model: b.build(), inputs: { x: { kind: "dyadic", dims: [4, 8] } }, samples: SAMPLES };
}

/** A Gemm with one output, whose bias has a value for each row. */
export function columnBias(): ParityCase {
  const b = new ModelBuilder({ seed: 30 });
  const x = b.input("x", [4, 8]);
  const weight = b.dyadic([1, 8], -1, 1, 0.125);
  b.output(b.node("Gemm", [x, weight, b.dyadic([4, 1], -1, 1, 0.125)], { transB: 1n }), [4, 1]);
  return { name: "column-bias", model: b.build(), inputs: { x: { kind: "dyadic", dims: [4, 8] } }, samples: SAMPLES };
}

/** The same with a bias that int32 could not hold: per channel the reference fails. */
export function largeColumnBias(): ParityCase {
  const b = new ModelBuilder({ seed: 35 });
  const x = b.input("x", [4, 8]);
  const tiny = Float32Array.from({ length: 8 }, (_, index) => (index - 3) * 2 ** -31);
  b.output(b.node("Gemm", [x, b.constant([8, 1], tiny), b.constant([4, 1], floats(3, -5, 0.5, 1))]), [4, 1]);
  return {
    name: "large-column-bias",
    model: b.build(),
    inputs: { x: { kind: "dyadic", dims: [4, 8] } },
    samples: SAMPLES,
  };
}

/** Arbitrary float32 weights, which one-hot inputs read out exactly. */
export function arbitraryWeights(): ParityCase {
  const b = new ModelBuilder({ seed: 15 });
  const x = b.input("x", [6, 16]);
  const product = b.node("MatMul", [x, b.weight([16, 12], -0.7, 0.9)]);
  const image = b.node("Reshape", [x, b.constant([4], BigInt64Array.of(6n, 16n, 1n, 1n))]);
  const conv = b.node("Conv", [image, b.weight([10, 16, 1, 1], -0.03, 0.05)], { kernel_shape: [1n, 1n] });
  const biased = b.node("Gemm", [x, b.weight([16, 7], -2, 2), b.constant([7], new Float32Array(7))], { beta: 0.3 });
  b.output(product, [6, 12]);
  b.output(b.relu(conv), [6, 10, 1, 1]);
  b.output(biased, [6, 7]);
  return {
    name: "arbitrary-weights",
    model: b.build(),
    inputs: { x: { kind: "one-hot", dims: [6, 16] } },
    samples: 10,
  };
}

/** ConvTranspose, whose channels lie on axis 1. */
export function transposed(): ParityCase {
  const b = new ModelBuilder({ seed: 16 });
  const x = b.input("x", [1, 3, 8, 8]);
  const up = b.node("ConvTranspose", [x, b.dyadic([3, 5, 2, 2], -1, 1, 0.125), b.dyadic([5], -1, 1, 0.125)], {
    kernel_shape: [2n, 2n],
    strides: [2n, 2n],
  });
  const next = b.node("ConvTranspose", [b.relu(up), b.dyadic([5, 2, 3, 3], -1, 1, 0.25)], { kernel_shape: [3n, 3n] });
  b.output(next, [1, 2, 18, 18]);
  return { name: "transposed", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Batch norms with exact factors: as they are in parity mode, folded after the reference's pre-processing. */
export function batchNorms(): ParityCase {
  const b = new ModelBuilder({ seed: 17 });
  const x = b.input("x", [1, 3, 8, 8]);
  const norm = (input: string, scale: number[], variance: number[]): string =>
    b.node(
      "BatchNormalization",
      [
        input,
        b.constant([4], Float32Array.from(scale)),
        b.dyadic([4], -1, 1, 0.25),
        b.dyadic([4], -1, 1, 0.25),
        b.constant([4], Float32Array.from(variance)),
      ],
      { epsilon: 0 },
    );
  const stem = b.node("Conv", [x, b.dyadic([4, 3, 3, 3], -1, 1, 0.125)], convAttributes(3));
  const first = b.relu(norm(stem, [1, 0.5, -0.75, 2], [1, 4, 0.25, 16]));
  const second = b.node(
    "Conv",
    [first, b.dyadic([4, 4, 1, 1], -1, 1, 0.25), b.dyadic([4], -1, 1, 0.25)],
    convAttributes(1),
  );
  const clipped = b.relu6(norm(second, [0.5, 1, 1.5, 0.25], [4, 1, 1, 0.25]));
  b.output(b.node("GlobalAveragePool", [clipped]), [1, 4, 1, 1]);
  return { name: "batch-norms", model: b.build(), inputs: { x: IMAGE }, samples: SAMPLES };
}

/** A bias with three owners among constants whose names end in numbers, as Python reads them: the copies count on from the largest, 1_2. */
export function numberedBiases(): ParityCase {
  const b = new ModelBuilder({ seed: 29 });
  const x = b.input("x", [1, 3, 8, 8]);
  const bias = b.dyadic([3], -1, 1, 0.25);
  const conv = (input: string, itsBias: string): string =>
    b.node("Conv", [input, b.dyadic([3, 3, 1, 1], -1, 1, 0.25), itsBias], convAttributes(1));
  const others = [b.dyadic([3], -1, 1, 0.25), b.dyadic([3], -1, 1, 0.25)] as const;
  const shared = conv(conv(conv(x, bias), bias), bias);
  b.output(conv(conv(shared, others[0]), others[1]), [1, 3, 8, 8]);
  const model = b.build();
  rename(model, new Map([bias, ...others].map((name, index) => [name, ["bias", "bias7", "bias1_2"][index] ?? name])));
  return { name: "numbered-biases", model, inputs: { x: IMAGE }, samples: SAMPLES };
}

/** Gives initializers other names. */
function rename({ graph }: ModelProto, names: ReadonlyMap<string, string>): void {
  for (const tensor of graph?.initializer ?? []) tensor.name = names.get(tensor.name) ?? tensor.name;
  for (const node of graph?.node ?? []) node.input = node.input.map((input) => names.get(input) ?? input);
}
