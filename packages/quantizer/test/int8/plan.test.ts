import { join } from "node:path";
import { DataType, Graph, openSession, readModel, writeModel, type ModelProto, type NodeProto } from "@edgewatt/onnx";
import { beforeAll, describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { randomSource } from "../../../onnx/test/random-source.ts";
import { useTempDir } from "../../../onnx/test/temp-dir.ts";
import { weightRange, type Range } from "../../src/int8/arithmetic.ts";
import { calibrate } from "../../src/calibration/calibrate.ts";
import { emitModel } from "../../src/int8/emit.ts";
import type { EmitOptions } from "../../src/int8/emit-options.ts";
import { openFused } from "../../src/int8/fusion.ts";
import { int8Weights } from "../../src/int8/weights.ts";
import { makePlan, type Plan, type PlanOptions } from "../../src/int8/plan.ts";
import { prepareModel } from "../../src/draft/prepare.ts";

const folder = await useTempDir();
const SHAPE = ["batch", 8, 12, 12] as const;
const OPTIONS: EmitOptions = { format: "u8s8", perChannel: true, reducedRange: false };

interface Prepared {
  readonly graph: Graph;
  readonly ranges: ReadonlyMap<string, Range>;
}

async function prepare(model: ModelProto): Promise<Prepared> {
  const graph = prepareModel(model);
  return { graph, ranges: (await calibrate(graph, randomSource([{ name: "x", shape: SHAPE }]))).ranges };
}

/** The graph that ONNX Runtime runs for a plan, which it must fuse as promised. */
async function optimized(prepared: Prepared, plan: Plan, options: EmitOptions = OPTIONS): Promise<Graph> {
  const path = join(folder, "int8.onnx");
  await writeModel(emitModel(prepared.graph, plan, options).model, path);
  const { session, fusion } = await openFused(path, plan, options.format);
  await session.close();
  expect(fusion).toEqual({ fused: plan.quantized.length, left: [] });
  const optimizedModelPath = join(folder, "optimized.onnx");
  await using again = await openSession(path, { optimizedModelPath, int8Activations: options.format === "s8s8" });
  expect(again.inputs).toHaveLength(1);
  return new Graph(await readModel(optimizedModelPath));
}

function operators(graph: Graph): string[] {
  return graph.nodes.map((node) => node.opType);
}

function build(body: (b: ModelBuilder, x: string) => string): ModelProto {
  const b = new ModelBuilder();
  b.output(body(b, b.conv(b.input("x", SHAPE), 8, 8)));
  return b.build();
}

function named(graph: Graph, opType: string, index = 0): NodeProto {
  return graph.nodes.filter((node) => node.opType === opType)[index] as NodeProto;
}

const window = { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] };

describe("an excluded node runs in float between neighbours that fuse", () => {
  it.each<[string, number, (b: ModelBuilder, x: string) => string]>([
    ["Conv", 1, (b, x) => b.conv(x, 8, 8)],
    ["Conv", 1, (b, x) => b.relu(b.conv(x, 8, 8))],
    ["Conv", 1, (b, x) => b.conv(x, 8, 8, { bias: false })],
    ["MatMul", 0, (b, x) => b.node("MatMul", [x, b.weight([12, 12], -0.5, 0.5)])],
    ["Add", 0, (b, x) => b.node("Add", [x, b.conv(x, 8, 8)])],
    ["Mul", 0, (b, x) => b.node("Mul", [x, b.conv(x, 8, 8)])],
    ["Concat", 0, (b, x) => b.node("Concat", [x, b.conv(x, 8, 8)], { axis: 2n })],
    ["Sigmoid", 0, (b, x) => b.node("Sigmoid", [x])],
    ["AveragePool", 0, (b, x) => b.node("AveragePool", [x], window)],
    ["GlobalAveragePool", 0, (b, x) => b.node("GlobalAveragePool", [x])],
    ["HardSigmoid", 0, (b, x) => b.node("HardSigmoid", [x])],
  ])("%s", async (opType, index, body) => {
    for (const format of ["u8s8", "s8s8"] as const) {
      const prepared = await prepare(build((b, x) => b.conv(body(b, x), 8, 8)));
      const node = named(prepared.graph, opType, index);
      const plan = makePlan(prepared.graph, prepared.ranges, format, { exclude: new Set([node.name]) });
      expect(plan.float).toContainEqual({ name: node.name, op: opType, reason: "chosen to stay in float" });
      const graph = await optimized(prepared, plan, { ...OPTIONS, format });
      const forms =
        opType === "Conv" ? ["Conv", "FusedConv"] : opType === "MatMul" ? ["MatMul", "FusedMatMul"] : [opType];
      const float = graph.nodes.filter((other) => forms.includes(other.opType));
      expect(float).toHaveLength(1);
      // The trap: ONNX Runtime dequantizes weights that it quantized itself.
      const weight = float[0]?.input[1];
      if (opType === "Conv") expect(graph.constant(weight ?? "")?.dataType).toBe(DataType.FLOAT);
      const convs =
        prepared.graph.nodes.filter((other) => other.opType === "Conv").length - (opType === "Conv" ? 1 : 0);
      expect(operators(graph).filter((other) => other === "QLinearConv")).toHaveLength(convs);
    }
  });

  it("keeps a Relu that was excluded", async () => {
    const prepared = await prepare(build((b, x) => b.conv(b.relu(x), 8, 8)));
    const exclude = new Set([named(prepared.graph, "Relu").name]);
    const plan = makePlan(prepared.graph, prepared.ranges, "u8s8", { exclude });
    expect(plan.absorbed.size).toBe(0);
    expect(plan.float.map(({ op }) => op)).toEqual(["Relu"]);
  });
});

describe("only", () => {
  it("quantizes just that node, with the Relu that disappears into it", async () => {
    const prepared = await prepare(build((b, x) => b.conv(b.node("Add", [b.relu(b.conv(b.relu(x), 8, 8)), x]), 8, 8)));
    const conv = named(prepared.graph, "Conv", 1);
    const alone: PlanOptions = { only: new Set([conv.name]) };
    const plan = makePlan(prepared.graph, prepared.ranges, "u8s8", alone);
    expect(plan.quantized).toEqual([conv]);
    expect([...plan.absorbed].map((node) => node.input[0])).toEqual([conv.output[0]]);
    const ops = operators(await optimized(prepared, plan));
    expect(ops.filter((op) => op === "QLinearConv")).toHaveLength(1);
    expect(ops.filter((op) => op === "QuantizeLinear")).toHaveLength(1);
  });

  it("quantizes an Add that no other quantized node stands before", async () => {
    const prepared = await prepare(build((b, x) => b.conv(b.node("Add", [b.conv(x, 8, 8), x]), 8, 8)));
    const only = new Set([named(prepared.graph, "Add").name]);
    const ops = operators(await optimized(prepared, makePlan(prepared.graph, prepared.ranges, "u8s8", { only })));
    expect(ops).toContain("QLinearAdd");
    expect(ops).not.toContain("QLinearConv");
  });
});

describe("tensors with several readers", () => {
  it("are read in float where they are computed in float", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", SHAPE);
    b.output(b.node("Add", [b.conv(x, 8, 8), b.node("Exp", [x])]));
    const prepared = await prepare(b.build());
    const { model } = emitModel(prepared.graph, makePlan(prepared.graph, prepared.ranges, "u8s8"), OPTIONS);
    expect(named(new Graph(model), "Exp").input).toEqual(["x"]);
  });

  it("are the model's own where they are an output too", async () => {
    const b = new ModelBuilder();
    const float = b.node("Exp", [b.input("x", SHAPE)]);
    b.output(float, ["batch", 8, 12, 12]);
    b.output(b.conv(float, 8, 8), ["batch", 8, 12, 12]);
    const prepared = await prepare(b.build());
    const { model } = emitModel(prepared.graph, makePlan(prepared.graph, prepared.ranges, "u8s8"), OPTIONS);
    expect(named(new Graph(model), "Exp").output).toEqual([float]);
  });
});

describe("ranges", () => {
  it("of Softmax are [0, 1], beyond which QLinearSoftmax would wrap around", async () => {
    const prepared = await prepare(build((b, x) => b.conv(b.node("Softmax", [x], { axis: 1n }), 8, 8)));
    const output = named(prepared.graph, "Softmax").output[0] ?? "";
    expect(prepared.ranges.get(output)?.max).toBeLessThan(1);
    const plan = makePlan(prepared.graph, prepared.ranges, "u8s8");
    expect(plan.tensors.get(output)).toEqual({ scale: Math.fround(1 / 255), zeroPoint: 0, owner: output });
  });
});

describe("int8 weights", () => {
  let prepared: Prepared;
  let plan: Plan;
  let conv: NodeProto;

  beforeAll(async () => {
    prepared = await prepare(build((b, x) => b.conv(x, 8, 4, { bias: false })));
    plan = makePlan(prepared.graph, prepared.ranges, "u8s8");
    conv = named(prepared.graph, "Conv", 1);
  });

  function initializer(options: EmitOptions, suffix: string): Uint8Array | undefined {
    const { model } = emitModel(prepared.graph, plan, options);
    return model.graph?.initializer.find((tensor) => tensor.name === `${conv.input[1] ?? ""}${suffix}`)?.rawData;
  }

  it("are told as they will be written", () => {
    const told = int8Weights(prepared.graph, plan, conv, OPTIONS);
    expect(told).toMatchObject({ dims: [4, 8, 3, 3], axis: 0, bias: undefined });
    expect(told.scales).toHaveLength(4);
    expect(Math.max(...told.integers)).toBeLessThanOrEqual(weightRange(false).max);
    expect(Buffer.from(told.integers.buffer).equals(initializer(OPTIONS, "_quantized") ?? new Uint8Array())).toBe(true);
  });

  it("can be given, by the node's name", () => {
    const weights = new Map([[conv.name, new Int8Array(4 * 8 * 9).fill(7)]]);
    expect(new Set(initializer({ ...OPTIONS, weights }, "_quantized"))).toEqual(new Set([7]));
    const few = new Map([[conv.name, new Int8Array(5)]]);
    expect(() => emitModel(prepared.graph, plan, { ...OPTIONS, weights: few })).toThrow(/have 5 values: give 288/);
  });

  it("can get a bias that the model did not have", async () => {
    const biases = new Map([[conv.name, Float32Array.of(1, 2, 3, 4)]]);
    const graph = await optimized(prepared, plan, { ...OPTIONS, biases });
    expect(graph.nodes.filter((node) => node.opType === "QLinearConv").map((node) => node.input.length)).toEqual([
      9, 9,
    ]);
    const wrong = new Map([[conv.name, Float32Array.of(1)]]);
    expect(() => emitModel(prepared.graph, plan, { ...OPTIONS, biases: wrong })).toThrow(/has 1 values: give 4/);
  });

  it("must be finite, and their tensor is named otherwise", async () => {
    for (const [value, tensorIndex] of [
      [Number.NaN, 1],
      [Infinity, 1],
      [Number.NaN, 2],
    ] as const) {
      const b = new ModelBuilder();
      const conv1 = b.conv(b.input("x", SHAPE), 8, 8);
      const bad = tensorIndex === 1 ? new Float32Array(64).fill(1).fill(value, 0, 1) : new Float32Array(64).fill(1);
      const bias = new Float32Array(8).fill(tensorIndex === 2 ? value : 0);
      const inputs = [b.constant([8, 8, 1, 1], bad), b.constant([8], bias)];
      b.output(b.node("Conv", [conv1, ...inputs]));
      const graph = prepareModel(b.build());
      const ranges = new Map(
        graph.nodes.flatMap((node) => ["x", ...node.output].map((name) => [name, { min: -1, max: 1 }])),
      );
      const emit = (): unknown => emitModel(graph, makePlan(graph, ranges, "u8s8"), OPTIONS);
      expect(emit).toThrow(`tensor "${inputs[tensorIndex - 1] ?? ""}" holds NaN or infinity`);
    }
  });
});
