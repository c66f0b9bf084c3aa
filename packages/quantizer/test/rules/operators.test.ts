import { join } from "node:path";
import { DataType, openSession, readModel, writeModel, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import type { QuantizationFormat } from "../../src/int8/format.ts";
import { quantize } from "../../src/quantize.ts";
import type { QuantizeReport } from "../../src/report.ts";
import { OPERATORS } from "../../src/rules/operators.ts";

/** The union of the operators that onnxruntime 1.30's `quantize_static` quantizes by default. */
const REFERENCE_REGISTRY = [
  ..."ArgMax Conv ConvTranspose Gemm MatMul Add Mul Relu Clip LeakyRelu Sigmoid MaxPool AveragePool GlobalAveragePool".split(
    " ",
  ),
  ..."Split Pad Reshape Squeeze Unsqueeze Flatten Transpose Resize Concat Softmax Where Gather GatherElements Slice".split(
    " ",
  ),
  ..."InstanceNormalization LayerNormalization BatchNormalization TopK CumSum com.microsoft:EmbedLayerNormalization".split(
    " ",
  ),
];

const SHAPE = ["batch", 8, 12, 12] as const;
const NO_KERNEL = "ONNX Runtime has no integer kernel for it on the CPU";

interface Case {
  readonly title?: string;
  readonly operator: string;
  readonly opset?: number;
  readonly domains?: readonly string[];
  /** Adds the operator behind the output of a Conv. */
  readonly build: (b: ModelBuilder, x: string) => string;
  /** What ONNX Runtime runs in its place, in integers. */
  readonly becomes?: string;
  /** Why it stays in float. */
  readonly reason?: string | RegExp;
}

const integers = (...values: number[]): BigInt64Array => BigInt64Array.from(values.map(BigInt));
const scalar = (b: ModelBuilder, value: number): string => b.constant([], Float32Array.of(value));
const window = { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] };
const condition = (b: ModelBuilder, x: string): string => b.node("Greater", [x, scalar(b, 0.1)]);
const hardSwish = (b: ModelBuilder, x: string): string => {
  const clipped = b.node("Clip", [b.node("Add", [x, scalar(b, 3)]), scalar(b, 0), scalar(b, 6)]);
  return b.node("Div", [b.node("Mul", [x, clipped]), scalar(b, 6)]);
};

const CASES: readonly Case[] = [
  { operator: "Conv", build: (b, x) => b.conv(x, 8, 8), becomes: "QLinearConv" },
  {
    operator: "Conv",
    title: "in one dimension",
    build: (b, x) => {
      const flat = b.node("Reshape", [x, b.constant([3], integers(0, 8, 144))]);
      const conv = b.node("Conv", [flat, b.weight([8, 8, 3], -0.3, 0.3)], { kernel_shape: [3n], pads: [1n, 1n] });
      return b.node("Reshape", [conv, b.constant([4], integers(0, 8, 12, 12))]);
    },
    becomes: "QLinearConv",
  },
  {
    operator: "Gemm",
    build: (b, x) => {
      const gemm = b.gemm(b.node("Flatten", [x]), 8 * 144, 8);
      return b.node("Reshape", [gemm, b.constant([4], integers(0, 8, 1, 1))]);
    },
    becomes: "QGemm",
  },
  {
    operator: "Gemm",
    title: "with one bias for all outputs",
    build: (b, x) => {
      const weight = b.weight([8 * 144, 8], -0.1, 0.1);
      const gemm = b.node("Gemm", [b.node("Flatten", [x]), weight, b.constant([1], Float32Array.of(0.5))]);
      return b.node("Reshape", [gemm, b.constant([4], integers(0, 8, 1, 1))]);
    },
    becomes: "QGemm",
  },
  {
    operator: "MatMul",
    build: (b, x) => b.node("MatMul", [x, b.weight([12, 12], -0.5, 0.5)]),
    becomes: "QLinearMatMul",
  },
  {
    operator: "MatMul",
    title: "with a stack of matrices",
    build: (b, x) => b.node("MatMul", [x, b.weight([8, 12, 12], -0.5, 0.5)]),
    becomes: "QLinearMatMul",
  },
  {
    operator: "MatMul",
    title: "with the constant first",
    build: (b, x) => b.node("MatMul", [b.weight([12, 12], -0.5, 0.5), x]),
    becomes: "QLinearMatMul",
  },
  {
    operator: "ConvTranspose",
    build: (b, x) =>
      b.node("ConvTranspose", [x, b.weight([8, 8, 2, 2], -0.3, 0.3), b.weight([8], -0.1, 0.1)], { strides: [2n, 2n] }),
    reason: NO_KERNEL,
  },
  { operator: "Add", build: (b, x) => b.node("Add", [x, b.conv(x, 8, 8)]), becomes: "QLinearAdd" },
  {
    operator: "Add",
    title: "of a constant",
    build: (b, x) => b.node("Add", [x, b.weight([12], -1, 1)]),
    becomes: "QLinearAdd",
  },
  {
    operator: "Add",
    title: "of a mask",
    build: (b, x) => b.relu(b.node("Add", [x, b.constant([12], new Float32Array(12).fill(-10_000, 6))])),
    reason: "its constant is so large that 8 bits would leave nothing of the other values",
  },
  { operator: "Mul", build: (b, x) => b.node("Mul", [x, b.conv(x, 8, 8)]), becomes: "QLinearMul" },
  {
    operator: "Mul",
    title: "by constants",
    build: (b, x) => b.node("Mul", [b.weight([12], -1, 1), x]),
    becomes: "QLinearMul",
  },
  {
    operator: "Mul",
    title: "by one positive constant",
    build: (b, x) => b.node("Mul", [scalar(b, 0.3), x]),
    becomes: "QLinearConv",
  },
  {
    operator: "Div",
    title: "by one positive constant",
    build: (b, x) => b.node("Div", [x, scalar(b, 6)]),
    becomes: "QLinearConv",
  },
  {
    operator: "Div",
    build: (b, x) => b.node("Div", [x, b.weight([12], 1, 2)]),
    reason: /does not divide 8-bit values by one/,
  },
  {
    operator: "Concat",
    build: (b, x) => b.node("Concat", [x, b.conv(x, 8, 8)], { axis: 2n }),
    becomes: "QLinearConcat",
  },
  {
    operator: "GlobalAveragePool",
    build: (b, x) => b.node("GlobalAveragePool", [x]),
    becomes: "QLinearGlobalAveragePool",
  },
  { operator: "LeakyRelu", build: (b, x) => b.node("LeakyRelu", [x], { alpha: 0.1 }), becomes: "QLinearLeakyRelu" },
  { operator: "Sigmoid", build: (b, x) => b.node("Sigmoid", [x]), becomes: "QLinearSigmoid" },
  { operator: "Softmax", build: (b, x) => b.node("Softmax", [x], { axis: 1n }), becomes: "QLinearSoftmax" },
  {
    operator: "Where",
    build: (b, x) => b.node("Where", [condition(b, "x"), x, b.conv(x, 8, 8)]),
    becomes: "QLinearWhere",
  },
  {
    operator: "Where",
    title: "with a constant",
    build: (b, x) => b.node("Where", [condition(b, "x"), x, scalar(b, 0)]),
    becomes: "QLinearWhere",
  },
  {
    operator: "Where",
    title: "with a mask",
    build: (b, x) => b.relu(b.node("Where", [condition(b, "x"), x, scalar(b, -1e9)])),
    reason: "its constant is so large that 8 bits would leave nothing of the other values",
  },
  { operator: "HardSigmoid", build: (b, x) => b.node("HardSigmoid", [x], { alpha: 0.3 }), becomes: "QLinearAdd" },
  { operator: "HardSwish", opset: 14, build: (b, x) => b.node("HardSwish", [x]), becomes: "QLinearMul" },
  { operator: "Div", title: "of x * Clip(x + 3, 0, 6) / 6", build: hardSwish, becomes: "QLinearMul" },
  {
    operator: "HardSigmoid",
    title: "times its input",
    build: (b, x) => b.node("Mul", [x, b.node("HardSigmoid", [x], { alpha: 1 / 6 })]),
    becomes: "QLinearMul",
  },
  { operator: "AveragePool", build: (b, x) => b.node("AveragePool", [x], window), becomes: "QLinearAveragePool" },
  { operator: "MaxPool", build: (b, x) => b.node("MaxPool", [x], window), becomes: "NhwcMaxPool" },
  {
    operator: "Expand",
    build: (b, x) => b.node("Expand", [x, b.constant([5], integers(2, 1, 1, 1, 1))]),
    becomes: "Expand",
  },
  { operator: "Flatten", build: (b, x) => b.node("Flatten", [x], { axis: 2n }), becomes: "Flatten" },
  {
    operator: "Gather",
    build: (b, x) => b.node("Gather", [x, b.constant([3], integers(0, 2, 4))], { axis: 2n }),
    becomes: "Gather",
  },
  {
    operator: "GatherElements",
    build: (b, x) => b.node("GatherElements", [x, b.constant([1, 8, 12, 2], new BigInt64Array(192))], { axis: 3n }),
    becomes: "GatherElements",
  },
  {
    operator: "Pad",
    build: (b, x) => b.node("Pad", [x, b.constant([8], integers(0, 0, 1, 1, 0, 0, 1, 1))]),
    becomes: "Pad",
  },
  {
    operator: "Pad",
    title: "by reflection",
    build: (b, x) => b.node("Pad", [x, b.constant([8], integers(0, 0, 1, 1, 0, 0, 1, 1))], { mode: "reflect" }),
    becomes: "Pad",
  },
  {
    operator: "Pad",
    title: "with a one",
    build: (b, x) => b.node("Pad", [x, b.constant([8], integers(0, 0, 1, 1, 0, 0, 1, 1)), scalar(b, 1)]),
    reason: /a value other than 0/,
  },
  {
    operator: "Reshape",
    build: (b, x) => b.node("Reshape", [x, b.constant([4], integers(0, 8, 6, 24))]),
    becomes: "Reshape",
  },
  {
    operator: "Resize",
    build: (b, x) => b.node("Resize", [x, "", b.constant([4], Float32Array.of(1, 1, 2, 2))], { mode: "nearest" }),
    becomes: "Resize",
  },
  {
    operator: "Resize",
    title: "linear",
    build: (b, x) => b.node("Resize", [x, "", b.constant([4], Float32Array.of(1, 1, 2, 2))], { mode: "linear" }),
    reason: 'ONNX Runtime has no exact integer kernel for mode "linear"',
  },
  {
    operator: "Slice",
    build: (b, x) => b.node("Slice", [x, ...[0, 6, 2].map((value) => b.constant([1], integers(value)))]),
    becomes: "Slice",
  },
  {
    operator: "Split",
    build(b, x) {
      b.nodes("Split", [x], ["low", "high"], { axis: 1n });
      return b.node("Concat", ["high", "low"], { axis: 1n });
    },
    becomes: "Split",
  },
  {
    operator: "Split",
    title: "of which one part is not read",
    build(b, x) {
      b.nodes("Split", [x], ["low", "high"], { axis: 1n });
      return b.node("Concat", ["low", "low"], { axis: 1n });
    },
    reason: /nothing reads one of its outputs/,
  },
  {
    operator: "Unsqueeze",
    build: (b, x) => b.node("Unsqueeze", [x, b.constant([1], integers(0))]),
    becomes: "Unsqueeze",
  },
  {
    operator: "Squeeze",
    build: (b, x) => b.node("Squeeze", [b.node("GlobalAveragePool", [x]), b.constant([2], integers(2, 3))]),
    becomes: "Squeeze",
  },
  { operator: "Tile", build: (b, x) => b.node("Tile", [x, b.constant([4], integers(1, 1, 2, 1))]), becomes: "Tile" },
  {
    operator: "TopK",
    build(b, x) {
      b.nodes("TopK", [x, b.constant([1], integers(4))], ["values", "indices"], { axis: 3n });
      return "values";
    },
    becomes: "TopK",
  },
  {
    operator: "Transpose",
    build: (b, x) => b.node("Transpose", [x], { perm: [0n, 1n, 3n, 2n] }),
    becomes: "QLinearConv",
  },
  { operator: "Relu", build: (b, x) => b.relu(b.conv(x, 8, 8)), becomes: "QLinearConv" },
  {
    operator: "Relu",
    title: "whose input has other readers",
    build: (b, x) => b.node("Add", [b.conv(b.relu(x), 8, 8), x]),
    becomes: "Clip",
  },
  { operator: "Clip", build: (b, x) => b.relu6(b.conv(x, 8, 8)), becomes: "QLinearConv" },
  {
    operator: "Clip",
    title: "whose input has other readers",
    build: (b, x) => b.node("Add", [b.conv(b.relu6(x), 8, 8), x]),
    becomes: "Clip",
  },
  {
    operator: "ArgMax",
    build(b, x) {
      b.output(b.node("ArgMax", [x], { axis: 1n }), ["batch", 1, 12, 12], DataType.INT64);
      return x;
    },
    becomes: "ArgMax",
  },
  {
    operator: "BatchNormalization",
    build: (b, x) => b.batchNorm(b.node("Exp", [x]), 8),
    reason: /could not be folded/,
  },
  {
    operator: "CumSum",
    opset: 14,
    build: (b, x) => b.node("CumSum", [x, b.constant([], integers(3))]),
    reason: NO_KERNEL,
  },
  {
    operator: "InstanceNormalization",
    build: (b, x) => b.node("InstanceNormalization", [x, b.weight([8], 0.5, 1), b.weight([8], -1, 1)]),
    reason: NO_KERNEL,
  },
  {
    operator: "LayerNormalization",
    opset: 17,
    build: (b, x) => b.node("LayerNormalization", [x, b.weight([12], 0.5, 1), b.weight([12], -1, 1)]),
    reason: NO_KERNEL,
  },
  {
    operator: "com.microsoft:EmbedLayerNormalization",
    domains: ["com.microsoft"],
    // The strongest channel of each place is its token.
    build(b, x) {
      const places = b.node("Flatten", [b.node("ArgMax", [x], { axis: 1n, keepdims: 0n })]);
      const tokens = b.node("Cast", [places], { to: BigInt(DataType.INT32) });
      const tables = [b.weight([8, 16], -1, 1), b.weight([144, 16], -1, 1), ""];
      const inputs = [tokens, "", ...tables, b.weight([16], 0.5, 1), b.weight([16], -1, 1)];
      b.nodes("EmbedLayerNormalization", inputs, ["embedded", "mask_index"], {}, "com.microsoft");
      return "embedded";
    },
    reason: NO_KERNEL,
  },
];

const folder = await useTempDir();

/** Quantizes a model with one input `x`, and lists the operators of the graph that ONNX Runtime runs. */
async function run(model: ModelProto, format: QuantizationFormat): Promise<{ report: QuantizeReport; ops: string[] }> {
  const [input, output, optimizedModelPath] = ["float", "int8", "optimized"].map((name) =>
    join(folder, `${name}.onnx`),
  ) as [string, string, string];
  await writeModel(model, input);
  const report = await quantize({
    input,
    output,
    calibration: randomSource([{ name: "x", shape: SHAPE }], 16),
    format,
  });
  await using session = await openSession(output, { optimizedModelPath, int8Activations: format === "s8s8" });
  expect(session.inputs[0]).toMatchObject({ name: "x", type: "float32" });
  return { report, ops: ((await readModel(optimizedModelPath)).graph?.node ?? []).map((node) => node.opType) };
}

it("names every operator of the reference", () => {
  expect(Object.keys(OPERATORS)).toEqual(expect.arrayContaining(REFERENCE_REGISTRY));
  const tested = new Set(CASES.map(({ operator }) => operator));
  expect(Object.keys(OPERATORS).filter((operator) => !tested.has(operator))).toEqual([]);
});

describe.each(["u8s8", "s8s8"] as const)("in %s", (format) => {
  it.each(CASES.map((entry) => [`${entry.operator} ${entry.title ?? ""}`.trim(), entry] as const))(
    "%s",
    async (_title, { operator, opset = 13, domains = [], build, becomes, reason }) => {
      const b = new ModelBuilder({ opset, domains });
      const opType = operator.split(":").at(-1);
      const built = build(b, b.conv(b.input("x", SHAPE), 8, 8));
      // Most only become integer operators, or show that they did, between two others.
      b.output(b.node("Neg", [b.node("LeakyRelu", [built])]));
      const { report, ops } = await run(b.build(), format);
      const left = report.nodes.float.filter((node) => node.op === opType);
      if (reason === undefined) {
        expect(left).toEqual([]);
        expect(ops).toContain(becomes);
        expect(ops.filter((op) => op === "QuantizeLinear")).toHaveLength(1);
        expect(report.nodes.fused).toBe(report.nodes.quantized);
        expect(report.sqnrDb).toBeGreaterThan(15);
      } else {
        expect(left).toHaveLength(1);
        expect(left[0]?.reason).toMatch(reason);
        expect(ops).toContain(opType);
      }
    },
  );
});
