import { describe, expect, it } from "vitest";
import { Graph } from "../../src/graph.ts";
import { raiseOpset } from "../../src/opset/raise.ts";
import type { ModelProto } from "../../src/proto.ts";
import { serializeModel } from "../../src/writer.ts";
import { makeTensor } from "../../src/tensor.ts";
import { ModelBuilder } from "../build-model.ts";
import { differenceOf, inferOutputs, runModel } from "../run-model.ts";

type Body = (b: ModelBuilder, x: string) => string;
type Dims = readonly number[];

function build(opset: number, dims: Dims, body: Body): ModelProto {
  const b = new ModelBuilder({ opset });
  b.output(body(b, b.input("x", dims)), []);
  return inferOutputs(b.build());
}

/** An operator set, a shape of the input, and what the graph does with it. */
type Case = readonly [name: string, opset: number, dims: Dims, body: Body];

const IMAGE = [2, 4, 6, 6];
const ints = (...values: number[]): bigint[] => values.map(BigInt);
const scales = (b: ModelBuilder, ...values: number[]): string => b.constant([values.length], Float32Array.from(values));

const CASES: readonly Case[] = [
  [
    "BatchNormalization with spatial",
    7,
    IMAGE,
    (b, x) => b.node("BatchNormalization", [x, ...[0, 1, 2, 3].map(() => b.weight([4], 0.5, 1))], { spatial: 1n }),
  ],
  ["Clip with both bounds", 7, IMAGE, (b, x) => b.node("Clip", [x], { min: -0.5, max: 1 })],
  ["Clip with an upper bound", 10, IMAGE, (b, x) => b.node("Clip", [x], { max: 0.25 })],
  ["Clip without bounds", 9, IMAGE, (b, x) => b.node("Clip", [x])],
  ["Clip with inputs", 11, IMAGE, (b, x) => b.node("Clip", [x, "", b.constant([], Float32Array.of(1))])],
  ["Dropout", 7, IMAGE, (b, x) => b.node("Dropout", [x], { ratio: 0.3 })],
  ["Dropout without a ratio", 10, IMAGE, (b, x) => b.node("Dropout", [x])],
  ["Hardmax of the last sides", 7, [2, 3, 4], (b, x) => b.node("Hardmax", [x])],
  ["LogSoftmax of the last side", 9, [2, 3, 4], (b, x) => b.node("LogSoftmax", [x], { axis: 2n })],
  ["LogSoftmax of all sides", 9, [2, 3, 4], (b, x) => b.node("LogSoftmax", [x], { axis: 0n })],
  ["Softmax of two sides", 7, [3, 5], (b, x) => b.node("Softmax", [x])],
  ["Softmax of an image", 11, IMAGE, (b, x) => b.node("Softmax", [x])],
  ["Softmax counted from the end", 12, IMAGE, (b, x) => b.node("Softmax", [x], { axis: -2n })],
  ["Pad", 7, IMAGE, (b, x) => b.node("Pad", [x], { pads: ints(0, 0, 1, 2, 0, 0, 0, 1) })],
  ["Pad with a value", 10, IMAGE, (b, x) => b.node("Pad", [x], { pads: ints(0, 1, 0, 0, 0, 0, 0, -1), value: 1.5 })],
  [
    "Pad by reflection",
    8,
    IMAGE,
    (b, x) => b.node("Pad", [x], { pads: ints(0, 0, 1, 1, 0, 0, 1, 1), mode: "reflect" }),
  ],
  ["ReduceSum of some axes", 7, IMAGE, (b, x) => b.node("ReduceSum", [x], { axes: ints(1, 3), keepdims: 0n })],
  ["ReduceSum of all", 11, IMAGE, (b, x) => b.node("ReduceSum", [x])],
  ["Resize nearest, larger", 10, IMAGE, (b, x) => b.node("Resize", [x, scales(b, 1, 1, 2, 1.5)])],
  ["Resize nearest, smaller", 10, IMAGE, (b, x) => b.node("Resize", [x, scales(b, 1, 1, 0.5, 0.7)])],
  [
    "Resize linear, larger and smaller",
    10,
    IMAGE,
    (b, x) => b.node("Resize", [x, scales(b, 1, 1, 2.5, 0.6)], { mode: "linear" }),
  ],
  [
    "Resize linear, scales at run time",
    10,
    [2, 4, 6, 6],
    (b, x) => b.node("Resize", [x, b.node("Mul", [scales(b, 1, 1, 2, 3), scales(b, 1, 1, 1, 1)])], { mode: "linear" }),
  ],
  ["Upsample nearest with an attribute", 7, IMAGE, (b, x) => b.node("Upsample", [x], { scales: [1, 1, 2, 3] })],
  [
    "Upsample linear with an attribute",
    8,
    IMAGE,
    (b, x) => b.node("Upsample", [x], { scales: [1, 1, 2, 2], mode: "linear" }),
  ],
  ["Upsample with an input", 9, IMAGE, (b, x) => b.node("Upsample", [x, scales(b, 1, 1, 2, 2.5)])],
  [
    "Scatter",
    9,
    [3, 4],
    (b, x) =>
      b.node("Scatter", [x, b.constant([1, 2], BigInt64Array.of(2n, 0n)), b.weight([1, 2], 5, 6)], { axis: 0n }),
  ],
  ["Slice", 7, IMAGE, (b, x) => b.node("Slice", [x], { starts: ints(1, 0), ends: ints(3, 1000), axes: ints(1, 2) })],
  ["Slice without axes", 9, IMAGE, (b, x) => b.node("Slice", [x], { starts: ints(0, 1), ends: ints(1, -1) })],
  [
    "Split into sizes",
    7,
    IMAGE,
    (b, x) => {
      b.nodes("Split", [x], ["small", "large"], { axis: 1n, split: ints(1, 3) });
      return b.node("Concat", ["large", "small"], { axis: 1n });
    },
  ],
  [
    "Split into equal parts",
    11,
    IMAGE,
    (b, x) => {
      b.nodes("Split", [x], ["left", "right"], { axis: -1n });
      return b.node("Sub", ["left", "right"]);
    },
  ],
  ["Squeeze of named axes", 7, [2, 1, 3, 1], (b, x) => b.node("Squeeze", [x], { axes: ints(3) })],
  ["Squeeze of all", 11, [2, 1, 3, 1], (b, x) => b.node("Squeeze", [x])],
  ["Unsqueeze", 12, [2, 3], (b, x) => b.node("Unsqueeze", [x], { axes: ints(0, -1) })],
  [
    "TopK",
    7,
    IMAGE,
    (b, x) => {
      b.nodes("TopK", [x], ["values", "indices"], { k: 3n, axis: 1n });
      return "values";
    },
  ],
  [
    "TopK with an input",
    10,
    IMAGE,
    (b, x) => {
      b.nodes("TopK", [x, b.constant([1], BigInt64Array.of(2n))], ["values", "indices"]);
      return "values";
    },
  ],
];

describe("raiseOpset", () => {
  it.each(CASES)("keeps what %s means (opset %s)", async (_, opset, dims, body) => {
    const before = await runModel(build(opset, dims, body), { x: dims });
    const model = build(opset, dims, body);
    const graph = new Graph(model);
    expect(raiseOpset(graph)).toMatchObject({ from: opset, to: 13, refused: undefined });
    expect(graph.opset).toBe(13);
    const after = await runModel(model, { x: dims });
    expect(after.dims).toEqual(before.dims);
    expect(differenceOf(before, after)).toBeLessThan(1e-6);
  });

  const outer = (b: ModelBuilder, x: string): string =>
    b.branch(
      b.node("Less", [b.node("ReduceMin", [x], { keepdims: 0n }), b.constant([], Float32Array.of(0))]),
      (inner) => inner.node("Clip", [x], { min: -0.5, max: 0.5 }),
      (inner) => inner.node("Squeeze", [inner.node("Unsqueeze", [x], { axes: ints(0) })], { axes: ints(0) }),
      [2, 3],
    );

  it("raises the graphs inside nodes too", async () => {
    const before = await runModel(build(9, [2, 3], outer), { x: [2, 3] });
    const model = build(9, [2, 3], outer);
    expect(raiseOpset(new Graph(model)).refused).toBeUndefined();
    expect(await runModel(model, { x: [2, 3] })).toEqual(before);
  });

  it.each<[string, number, Body, string]>([
    ["an operator that it does not know", 9, (b, x) => b.node("Crop", [x]), "not known whether its meaning changed"],
    ["a name that every object has", 9, (b, x) => b.node("toString", [x]), "not known whether its meaning changed"],
    [
      "nearest scales that are computed",
      10,
      (b, x) => b.node("Resize", [x, b.node("Mul", [scales(b, 1, 1, 2, 2), scales(b, 1, 1, 1, 1)])]),
      "computed at run time",
    ],
    [
      "nearest scales that enlarge and shrink",
      10,
      (b, x) => b.node("Resize", [x, scales(b, 1, 1, 2, 0.5)]),
      "enlarge one side and shrink another",
    ],
    [
      "statistics per element",
      8,
      (b, x) => b.node("BatchNormalization", [x, x, x, x, x], { spatial: 0n }),
      "spatial = 0",
    ],
    [
      "bounds of an unknown type",
      9,
      (b, x) => b.node("Clip", [b.node("Cast", [x], { to: 11n })], { min: 0 }),
      "not all tensors are float32",
    ],
    ["an operator set that is too old", 6, (b, x) => b.relu(x), "older than what ONNX Runtime runs"],
    ["Scan of opset 8", 8, (b, x) => b.node("Scan", [x]), "batch side"],
    [
      "a mask of another type",
      7,
      (b, x) => {
        b.nodes("Dropout", [x], ["y", "mask"]);
        return b.node("Add", ["y", "mask"]);
      },
      "its mask",
    ],
  ])("refuses %s and leaves the model as it was", (_, opset, body, reason) => {
    const model = build(opset, IMAGE, (b, x) => body(b, b.node("Softmax", [x])));
    const before = serializeModel(model);
    const raised = raiseOpset(new Graph(model));
    expect(raised).toMatchObject({ from: opset, to: opset, changed: 0 });
    expect(raised.refused).toContain(reason);
    expect(serializeModel(model)).toEqual(before);
  });

  it("leaves a model that is new enough", () => {
    const model = build(17, IMAGE, (b, x) => b.node("Softmax", [x]));
    expect(raiseOpset(new Graph(model))).toEqual({ from: 17, to: 17, changed: 0, refused: undefined });
  });

  it("keeps initializers constant that old files list among the inputs", async () => {
    const old = (): ModelProto => {
      const b = new ModelBuilder({ opset: 8 });
      const x = b.input("x", ["batch", 4, 8, 8]);
      const weight = b.weight([8, 4, 3, 3], -1, 1);
      b.input(weight, [8, 4, 3, 3]);
      b.output(b.node("Clip", [b.node("Conv", [x, weight])], { min: 0, max: 6 }), []);
      return Object.assign(inferOutputs(b.build()), { irVersion: 3n });
    };
    const before = await runModel(old(), { x: [2, 4, 8, 8] });
    const model = old();
    const graph = new Graph(model);
    expect(raiseOpset(graph).changed).toBe(1);
    expect(model.irVersion).toBe(7n);
    expect(graph.inputNames).toEqual(["x"]);
    expect(graph.constant(graph.nodes[0]?.input[1] ?? "")).toBeDefined();
    expect(await runModel(model, { x: [2, 4, 8, 8] })).toEqual(before);
  });

  it("does not take a name that the graph has", async () => {
    const body: Body = (b, x) => b.node("Clip", [b.node("Relu", [x], {}, "node_Clip_3_max")], { max: 1 }, "Clip_3");
    const model = build(9, [2, 3], body);
    raiseOpset(new Graph(model));
    expect(await runModel(model, { x: [2, 3] })).toEqual(await runModel(build(9, [2, 3], body), { x: [2, 3] }));
    expect(model.graph?.initializer.map((tensor) => tensor.name)).toEqual(["node_Clip_3_max_1"]);
  });

  it("leaves a node that needs no change", async () => {
    const body: Body = (b, x) =>
      b.node("Add", [x, b.node("Constant", [], { value: makeTensor("", [1], Float32Array.of(2)) })]);
    const model = build(7, [2, 3], body);
    expect(raiseOpset(new Graph(model)).changed).toBe(0);
    expect(await runModel(model, { x: [2, 3] })).toEqual(await runModel(build(7, [2, 3], body), { x: [2, 3] }));
  });
});
