import { makeTensor, serializeModel } from "@edgewatt/onnx";
import { buildSmallMobileNet, ModelBuilder } from "../../../onnx/test/build-model.ts";

const IMAGE = ["batch", 3, 16, 16] as const;

/** Small models that together use what damage can be done to: old and new operator sets, branches, constants, inner graphs. */
export function baseModels(): Uint8Array[] {
  return [buildSmallMobileNet(), buildSmallMobileNet({ opset: 9 }), buildBranches(), buildOld(), buildInner()].map(
    serializeModel,
  );
}

function buildBranches() {
  const b = new ModelBuilder({ seed: 2, opset: 17 });
  const stem = b.relu6(b.conv(b.input("image", IMAGE), 3, 8, { stride: 2 }));
  const left = b.node("MaxPool", [stem], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const right = b.node("AveragePool", [stem], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
  const joined = b.node("Concat", [left, b.node("Mul", [right, b.node("Sigmoid", [right])])], { axis: 1n });
  b.nodes("Split", [joined], ["first", "second"], { axis: 1n });
  const sum = b.node("Add", ["first", "second"]);
  const up = b.node("Resize", [sum, "", b.constant([4], Float32Array.of(1, 1, 2, 2))], { mode: "nearest" });
  const flat = b.node("Reshape", [up, b.constant([2], BigInt64Array.of(0n, -1n))]);
  b.output(b.node("Softmax", [b.gemm(flat, 512, 10, { alpha: 0.5 })]), ["batch", 10]);
  return b.build();
}

function buildOld() {
  const b = new ModelBuilder({ seed: 3, opset: 8 });
  const normalized = b.batchNorm(b.input("image", IMAGE), 3);
  const conv = b.conv(b.node("Clip", [b.conv(normalized, 3, 8, { kernel: 1 })], { min: 0, max: 6 }), 8, 8, {
    groups: 8,
  });
  const shift = b.node("Constant", [], { value: makeTensor("", [8, 1, 1], new Float32Array(8).fill(0.5)) });
  const up = b.node("Upsample", [b.node("Add", [conv, shift])], { scales: [1, 1, 2, 2], mode: "nearest" });
  const pooled = b.node("ReduceSum", [b.node("Pad", [up], { pads: [0n, 0n, 1n, 1n, 0n, 0n, 1n, 1n] })], {
    axes: [2n, 3n],
    keepdims: 0n,
  });
  const scores = b.node("Dropout", [b.node("MatMul", [pooled, b.weight([8, 5], -1, 1)])], { ratio: 0.5 });
  b.output(b.node("Softmax", [b.node("Add", [scores, b.weight([5], -1, 1)])]), ["batch", 5]);
  return b.build();
}

function buildInner() {
  const b = new ModelBuilder({ seed: 4, opset: 12 });
  const conv = b.relu(b.conv(b.input("image", IMAGE), 3, 4));
  const condition = b.node("Less", [b.node("ReduceMin", [conv], { keepdims: 0n }), b.constant([], Float32Array.of(1))]);
  const chosen = b.branch(
    condition,
    (inner) => inner.node("Identity", [conv]),
    (inner) => inner.node("Neg", [conv]),
    ["batch", 4, 16, 16],
  );
  b.output(b.node("ConvTranspose", [chosen, b.weight([4, 2, 2, 2], -1, 1)], { strides: [2n, 2n] }), [
    "batch",
    2,
    32,
    32,
  ]);
  return b.build();
}
