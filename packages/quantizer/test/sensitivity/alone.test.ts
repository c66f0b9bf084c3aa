import { openCalibration, openSession, type Graph, type ModelProto, type NodeProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { computeParams, quantizeValue, type IntegerRange, type Range } from "../../src/int8/arithmetic.ts";
import { calibrate } from "../../src/calibration/calibrate.ts";
import { emitModel } from "../../src/int8/emit.ts";
import { makePlan, type Plan } from "../../src/int8/plan.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import { compareVariants } from "../../src/sensitivity/alone.ts";
import { planAlone } from "../../src/sensitivity/layers.ts";

const UINT8: IntegerRange = { min: 0, max: 255 };
const INT8: IntegerRange = { min: -127, max: 127 };
const OPTIONS = { format: "u8s8", perChannel: false, reducedRange: false } as const;

function planOf(graph: Graph, ranges: ReadonlyMap<string, Range>, layer: NodeProto | undefined): Plan {
  if (layer === undefined) throw new RangeError("no such layer");
  return planAlone(graph, makePlan(graph, ranges, "u8s8"), layer);
}

async function calibrated(model: ModelProto, images = 16) {
  const graph = prepareModel(model);
  const session = await openSession(graph.model);
  const source = await openCalibration("synthetic", { inputs: session.inputs, images });
  const { ranges } = await calibrate(graph, source);
  return { graph, session, source, ranges };
}

describe("one quantized layer", () => {
  it("of a chain changes exactly what rounding its weights, bias, input and output by hand gives", async () => {
    const [from, hidden, to] = [8, 6, 4];
    const b = new ModelBuilder({ seed: 7 });
    const random = (size: number, step: number) =>
      Float32Array.from({ length: size }, (_, index) => Math.sin(index * step + step) / 2);
    const weightA = random(from * hidden, 1.3);
    const weightB = random(hidden * to, 0.7);
    const biasA = random(hidden, 2.1);
    const gemm = (x: string, weight: string, ...bias: string[]) => b.node("Gemm", [x, weight, ...bias]);
    const inner = gemm(b.input("x", [1, from]), b.constant([from, hidden], weightA), b.constant([hidden], biasA));
    const activated = b.relu(inner);
    b.output(b.node("Gemm", [activated, b.constant([hidden, to], weightB)], {}, "logits"), [1, to]);
    const graph = prepareModel(b.build());
    const ranges = new Map([
      ["x", { min: -0.6, max: 0.5 }],
      [inner, { min: -1.3, max: 1.2 }],
      [activated, { min: 0, max: 1.2 }],
      ["logits", { min: -1, max: 1 }],
    ]);
    const plan = planOf(graph, ranges, graph.nodes[0]);
    await using float = await openSession(graph.model);
    await using alone = await openSession(emitModel(graph, plan, OPTIONS).model, { simulateQuantization: true });

    const x = random(from, 0.37);
    const feed = { x: { type: "float32" as const, dims: [1, from], data: x } };
    const found = Object.values(await alone.run(feed))[0]?.data as Float32Array;
    const untouched = Object.values(await float.run(feed))[0]?.data as Float32Array;

    const scale = Math.fround(Math.max(...weightA.map(Math.abs)) / 127);
    const weights = weightA.map((value) => quantizeValue(value, { scale, zeroPoint: 0 }, INT8) * scale);
    const sums = multiply(roundAll(x, ranges.get("x")), weights, hidden).map((sum, i) => sum + (biasA[i] ?? 0));
    const expected = multiply(roundAll(sums, ranges.get(activated)), weightB, to);
    for (const [index, value] of expected.entries()) expect(found[index]).toBeCloseTo(value, 5);
    expect(found.some((value, index) => Math.abs(value - (untouched[index] ?? 0)) > 1e-4)).toBe(true);
  });

  it("leaves its neighbours in float, as a run node by node shows", async () => {
    const b = new ModelBuilder({ seed: 8 });
    let tensor = b.input("x", [1, 3, 8, 8]);
    tensor = b.relu(b.conv(tensor, 3, 16));
    tensor = b.relu(b.conv(tensor, 16, 16, { groups: 16 }));
    tensor = b.relu6(b.conv(tensor, 16, 24, { kernel: 1 }));
    b.output(b.conv(tensor, 24, 8), [1, 8, 8, 8]);
    const { graph, session, source, ranges } = await calibrated(b.build());
    await session.close();
    for (const layer of graph.nodes.filter(({ opType }) => opType === "Conv")) {
      const plan = planOf(graph, ranges, layer);
      const { model } = emitModel(graph, plan, OPTIONS);
      await using fast = await openSession(model, { simulateQuantization: true });
      await using plain = await openSession(model, { optimization: "disabled" });
      for await (const { feeds } of source.batches({ batchSize: 1, count: 2 })) {
        const [a, c] = [await fast.run(feeds), await plain.run(feeds)].map(
          (outputs) => Object.values(outputs)[0]?.data as Float32Array,
        );
        // A value that falls on the edge of two steps may round either way: the kernels add in another order.
        const differing = a?.filter((value, index) => Math.abs(value - (c?.[index] ?? 0)) > 1e-4) ?? [];
        expect(differing.length).toBeLessThan((a?.length ?? 0) / 20);
      }
    }
  });
});

describe("compareVariants", () => {
  it("finds no noise in the float model itself, and reads images in blocks", async () => {
    const b = new ModelBuilder({ seed: 9 });
    b.output(b.conv(b.input("x", ["batch", 3, 64, 64]), 3, 256, { kernel: 1 }), ["batch", 256, 64, 64]);
    const { graph, session, source, ranges } = await calibrated(b.build(), 17);
    await using float = session;
    const conv = graph.nodes.find(({ opType }) => opType === "Conv");
    const plan = planOf(graph, ranges, conv);
    let loaded = 0;
    let last = [0, 0];
    const { figures, images, accuracy } = await compareVariants(
      float,
      [() => graph.model, () => (loaded++, emitModel(graph, plan, OPTIONS).model)],
      { source, first: 0, count: 17 },
      { onImages: (done, total) => (last = [done, total]) },
    );
    // 17 outputs of 4 MB are more than a block holds.
    expect(loaded).toBe(2);
    expect(images).toBe(17);
    expect(last).toEqual([34, 34]);
    expect(figures[0]).toEqual({ sqnrDb: null, exact: true, agreement: null, accuracy: null });
    expect(figures[1]?.sqnrDb).toBeGreaterThan(10);
    expect(accuracy).toBeNull();
  });
});

function roundAll(values: Float32Array, range: Range | undefined): Float32Array {
  if (range === undefined) throw new RangeError("no range");
  const params = computeParams(range, UINT8, false);
  return values.map((value) => (quantizeValue(value, params, UINT8) - params.zeroPoint) * params.scale);
}

/** A row times a matrix. */
function multiply(row: Float32Array, matrix: Float32Array, columns: number): Float32Array {
  return Float32Array.from({ length: columns }, (_, column) =>
    row.reduce((sum, value, index) => sum + value * (matrix[index * columns + column] ?? 0), 0),
  );
}
