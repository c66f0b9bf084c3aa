import { join } from "node:path";
import { openSession, readModel, writeModel, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../onnx/test/build-model.ts";
import { useTempDir } from "../../onnx/test/temp-dir.ts";
import type { QuantizationFormat } from "../src/int8/format.ts";
import { quantize } from "../src/quantize.ts";
import type { QuantizeReport } from "../src/report.ts";
import { randomSource } from "../../onnx/test/random-source.ts";

const folder = await useTempDir();
const SHAPE = ["batch", 8, 12, 12] as const;
let files = 0;

interface Result {
  readonly report: QuantizeReport;
  readonly ops: readonly string[];
}

/** Quantizes a model with one input `x`, and lists the operators of the graph that ONNX Runtime runs. */
async function quantized(
  model: ModelProto,
  format: QuantizationFormat = "u8s8",
  shape: readonly (number | string)[] = SHAPE,
): Promise<Result> {
  files++;
  const input = join(folder, `${files}.onnx`);
  const output = join(folder, `${files}-int8.onnx`);
  const optimizedModelPath = join(folder, `${files}-optimized.onnx`);
  await writeModel(model, input);
  const report = await quantize({ input, output, calibration: randomSource([{ name: "x", shape }]), format });
  await using session = await openSession(output, { optimizedModelPath, int8Activations: format === "s8s8" });
  expect(session.inputs[0]).toMatchObject({ name: "x", type: "float32" });
  return { report, ops: ((await readModel(optimizedModelPath)).graph?.node ?? []).map((node) => node.opType) };
}

function build(body: (b: ModelBuilder, x: string) => string, outputDims: readonly (number | string)[]): ModelProto {
  const b = new ModelBuilder();
  b.output(body(b, b.input("x", SHAPE)), outputDims);
  return b.build();
}

describe.each(["u8s8", "s8s8"] as const)("operators in %s", (format) => {
  it("Conv, Relu: one QLinearConv", async () => {
    const { report, ops } = await quantized(
      build((b, x) => b.relu(b.conv(x, 8, 16)), ["batch", 16, 12, 12]),
      format,
    );
    expect(ops.filter((op) => op === "QLinearConv")).toHaveLength(1);
    expect(ops).not.toContain("Relu");
    expect(report.nodes).toEqual({ quantized: 1, fused: 1, float: [] });
    expect(report.sqnrDb).toBeGreaterThan(30);
  });

  it("inverted residual with Clip 0..6 and Add", async () => {
    const model = build(
      (b, x) => {
        const stem = b.relu6(b.conv(x, 8, 16));
        const expanded = b.relu6(b.conv(stem, 16, 32, { kernel: 1 }));
        const depthwise = b.relu6(b.conv(expanded, 32, 32, { groups: 32 }));
        return b.conv(b.node("Add", [b.conv(depthwise, 32, 16, { kernel: 1 }), stem]), 16, 16);
      },
      ["batch", 16, 12, 12],
    );
    const { report, ops } = await quantized(model, format);
    expect(ops.filter((op) => op === "QLinearConv")).toHaveLength(5);
    expect(ops.filter((op) => op === "QLinearAdd")).toHaveLength(1);
    expect(report.nodes).toEqual({ quantized: 6, fused: 6, float: [] });
    expect(report.sqnrDb).toBeGreaterThan(25);
  });

  it("Relu after Add, Concat, MaxPool, Transpose and back", async () => {
    const model = build(
      (b, x) => {
        const left = b.relu(b.conv(x, 8, 8));
        const right = b.relu(b.conv(x, 8, 8, { kernel: 1 }));
        const sum = b.relu(b.node("Add", [left, right]));
        const pooled = b.node("MaxPool", [sum], { kernel_shape: [2n, 2n], strides: [2n, 2n] });
        const moved = b.node("Transpose", [pooled], { perm: [0n, 1n, 3n, 2n] });
        const joined = b.node(
          "Concat",
          [moved, b.node("AveragePool", [left], { kernel_shape: [2n, 2n], strides: [2n, 2n] })],
          {
            axis: 1n,
          },
        );
        return b.conv(joined, 16, 8);
      },
      ["batch", 8, 6, 6],
    );
    const { report, ops } = await quantized(model, format);
    expect(report.nodes.float).toEqual([]);
    expect(report.nodes.fused).toBe(report.nodes.quantized);
    expect(ops.filter((op) => op.startsWith("QLinear"))).toHaveLength(6);
    expect(ops.filter((op) => op === "QuantizeLinear")).toHaveLength(1);
  });

  it("Mul by a squeeze-excite gate, with Sigmoid", async () => {
    const model = build(
      (b, x) => {
        const features = b.relu(b.conv(x, 8, 16));
        const squeezed = b.relu(b.conv(b.node("GlobalAveragePool", [features]), 16, 4, { kernel: 1 }));
        const gate = b.node("Sigmoid", [b.conv(squeezed, 4, 16, { kernel: 1 })]);
        return b.conv(b.node("Mul", [features, gate]), 16, 8);
      },
      ["batch", 8, 12, 12],
    );
    const { report, ops } = await quantized(model, format);
    expect(report.nodes.float).toEqual([]);
    expect(ops).toEqual(expect.arrayContaining(["QLinearMul", "QLinearSigmoid", "QLinearGlobalAveragePool"]));
    expect(report.sqnrDb).toBeGreaterThan(20);
  });

  it("Gemm with alpha, beta and a 2-D bias; Softmax at the end stays float", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", ["batch", 24]);
    const weight = b.weight([24, 16], -0.5, 0.5);
    const hidden = b.relu(b.node("Gemm", [x, weight, b.weight([1, 16], -0.5, 0.5)], { alpha: 0.5, beta: 2 }));
    b.output(b.node("Softmax", [b.gemm(hidden, 16, 5)], { axis: 1n }), ["batch", 5]);
    const { report, ops } = await quantized(b.build(), format, ["batch", 24]);
    expect(ops.filter((op) => op === "QGemm")).toHaveLength(2);
    expect(report.nodes.float.map((node) => node.op)).toEqual(["Softmax"]);
    expect(report.sqnrDb).toBeGreaterThan(25);
  });

  it("MatMul with a constant and with a computed second input", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", ["batch", 6, 8]);
    const projected = b.node("MatMul", [x, b.weight([8, 8], -0.5, 0.5)]);
    const scores = b.node("MatMul", [projected, b.node("Transpose", [projected], { perm: [0n, 2n, 1n] })]);
    b.output(b.node("Add", [scores, b.weight([6], -1, 1)]), ["batch", 6, 6]);
    const { report, ops } = await quantized(b.build(), format, ["batch", 6, 8]);
    expect(ops).not.toContain("MatMul");
    expect(report.nodes.float).toEqual([]);
    expect(report.sqnrDb).toBeGreaterThan(20);
  });
});

describe("what stays in float", () => {
  it("is named with its reason, and the rest still fuses", async () => {
    const model = build(
      (b, x) => {
        const activated = b.node("Exp", [b.conv(x, 8, 8)]);
        const clipped = b.node("Clip", [
          b.conv(activated, 8, 8),
          b.constant([], Float32Array.of(-0.001)),
          b.constant([], Float32Array.of(1000)),
        ]);
        return b.conv(clipped, 8, 8);
      },
      ["batch", 8, 12, 12],
    );
    const { report, ops } = await quantized(model);
    expect(report.nodes.quantized).toBe(3);
    expect(report.nodes.fused).toBe(3);
    expect(report.nodes.float.map(({ op, reason }) => [op, reason])).toContainEqual([
      "Exp",
      "the quantizer has no rule for Exp",
    ]);
    expect(ops.filter((op) => op === "QLinearConv")).toHaveLength(3);
  });

  it("a Conv that a graph inside an If reads, while its neighbours fuse", async () => {
    const model = build(
      (b, x) => {
        const mean = b.node("ReduceMean", [x], { keepdims: 0n });
        const condition = b.node("Greater", [mean, b.constant([], Float32Array.of(0))]);
        const read = b.conv(b.relu(b.conv(x, 8, 8)), 8, 8);
        const shape = ["batch", 8, 12, 12];
        const chosen = b.branch(
          condition,
          (inner) => inner.node("Exp", [read]),
          (inner) => inner.node("Neg", [read]),
          shape,
        );
        return b.conv(chosen, 8, 8);
      },
      ["batch", 8, 12, 12],
    );
    const { report, ops } = await quantized(model);
    expect(report.nodes.float.find((node) => node.op === "Conv")?.reason).toBe(
      "a graph inside another node reads its output",
    );
    expect(ops.filter((op) => op === "QLinearConv")).toHaveLength(2);
  });

  it("a Relu that a graph inside an If reads, which would see negative values without it", async () => {
    const model = build(
      (b, x) => {
        const mean = b.node("ReduceMean", [x], { keepdims: 0n });
        const condition = b.node("Greater", [mean, b.constant([], Float32Array.of(0))]);
        const read = b.relu(b.conv(x, 8, 8));
        return b.branch(
          condition,
          (inner) => inner.node("Neg", [read]),
          (inner) => inner.node("Neg", [read]),
          ["batch", 8, 12, 12],
        );
      },
      ["batch", 8, 12, 12],
    );
    const { report } = await quantized(model);
    expect(report.nodes.float.map((node) => node.op)).toContain("Relu");
    expect(report.sqnrDb).toBeGreaterThan(20);
  });

  it("a Conv whose weights are computed", async () => {
    const model = build(
      (b, x) => {
        const weight = b.node("Exp", [b.weight([8, 8, 1, 1], -1, 0)]);
        return b.conv(b.node("Conv", [x, b.relu(weight)]), 8, 8);
      },
      ["batch", 8, 12, 12],
    );
    const { report } = await quantized(model);
    expect(report.nodes.float.find((node) => node.op === "Conv")?.reason).toBe("its weights are computed at run time");
  });
});

describe("weights", () => {
  it("that two layers share are stored once", async () => {
    const model = build(
      (b, x) => {
        const weight = b.weight([8, 8, 3, 3], -0.2, 0.2);
        const attributes = { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] };
        return b.node("Conv", [b.relu(b.node("Conv", [x, weight], attributes)), weight], attributes);
      },
      ["batch", 8, 12, 12],
    );
    const { report } = await quantized(model);
    const int8 = (await readModel(report.out)).graph?.initializer.filter((tensor) => tensor.dims.length === 4) ?? [];
    expect(int8).toHaveLength(1);
    expect(int8[0]?.rawData).toHaveLength(8 * 8 * 3 * 3);
  });
});
