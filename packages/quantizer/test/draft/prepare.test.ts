import { Graph, makeTensor, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { buildSmallMobileNet, ModelBuilder } from "../../../onnx/test/build-model.ts";
import { differenceOf, inferOutputs, runModel } from "../../../onnx/test/run-model.ts";
import { prepareModel } from "../../src/draft/prepare.ts";

const IMAGE = ["batch", 3, "height", "width"] as const;

/** The operators of the prepared model, having checked that its outputs are the same on images of several sizes. */
async function prepared(build: () => ModelProto): Promise<Graph> {
  const model = build();
  const graph = prepareModel(model);
  for (const dims of [
    [1, 3, 16, 16],
    [3, 3, 24, 12],
  ]) {
    const before = await runModel(build(), { image: dims });
    const after = await runModel(model, { image: dims });
    expect(after.dims).toEqual(before.dims);
    expect(differenceOf(before, after)).toBeLessThan(1e-5);
  }
  expect(graph.outputNames).toEqual(new Graph(build()).outputNames);
  expect(new Set(graph.nodes.map((node) => node.name)).size).toBe(graph.nodes.length);
  return graph;
}

function opsOf(graph: Graph): string[] {
  return graph.nodes.map((node) => node.opType);
}

/** An old export with all that preparing does away with, sides of any size, and no name on any node. */
function buildOldExport(): ModelProto {
  const b = new ModelBuilder({ opset: 9 });
  const x = b.input("image", IMAGE);
  const stem = b.batchNorm(b.conv(x, 3, 8, { bias: false }), 8);
  const clipped = b.node("Clip", [b.node("Identity", [stem])], { min: 0, max: 6 });
  const constant = b.node("Constant", [], { value: makeTensor("", [8, 1, 1], new Float32Array(8).fill(0.5)) });
  const shifted = b.node("Add", [b.conv(clipped, 8, 8), constant]);
  const dropped = b.node("Dropout", [shifted], { ratio: 0.2 });
  const up = b.node("Upsample", [dropped, b.constant([4], Float32Array.of(1, 1, 2, 2))], { mode: "nearest" });
  const pooled = b.node("Squeeze", [b.node("GlobalAveragePool", [up])], { axes: [2n, 3n] });
  const scores = b.node("Gemm", [pooled, b.weight([8, 5], -1, 1), b.weight([1, 5], -1, 1)], { alpha: 0.5, beta: 2 });
  b.output(b.node("Softmax", [scores]), []);
  const model = inferOutputs(b.build());
  for (const node of model.graph?.node ?? []) node.name = "";
  return model;
}

describe("prepareModel", () => {
  it("brings an old export into the form that the rules expect, for any size of image", async () => {
    const graph = await prepared(buildOldExport);
    expect(graph.opset).toBe(13);
    expect(opsOf(graph)).toEqual(["Conv", "Clip", "Conv", "Resize", "GlobalAveragePool", "Squeeze", "Gemm", "Softmax"]);
    expect(graph.nodes.map((node) => node.name)).not.toContain("");
  });

  it("raises only what needs it", () => {
    const opsetOf = (opset: number, perChannel: boolean): number =>
      prepareModel(buildSmallMobileNet({ opset }), { perChannel }).opset;
    expect([opsetOf(9, false), opsetOf(11, false), opsetOf(11, true), opsetOf(17, true)]).toEqual([13, 11, 13, 17]);
  });

  it("tells why an operator set could not be raised", () => {
    const b = new ModelBuilder({ opset: 10 });
    b.output(b.node("Crop", [b.input("image", IMAGE)]), []);
    const reasons: (string | undefined)[] = [];
    prepareModel(b.build(), { onOpset: ({ refused }) => reasons.push(refused) });
    expect(reasons).toEqual([expect.stringContaining("Crop")]);
  });

  it("keeps a weight that two nodes share as it is for the one that needs no folding", async () => {
    const graph = await prepared(() => {
      const b = new ModelBuilder();
      const x = b.input("image", IMAGE);
      const weight = b.weight([3, 3, 1, 1], -1, 1);
      const left = b.batchNorm(b.node("Conv", [x, weight]), 3);
      b.output(b.node("Add", [left, b.node("Conv", [x, b.node("Identity", [weight])])]), []);
      return inferOutputs(b.build());
    });
    expect(opsOf(graph)).toEqual(["Conv", "Conv", "Add"]);
  });

  it("keeps the graphs inside nodes, and what they read", async () => {
    const graph = await prepared(() => {
      const b = new ModelBuilder({ opset: 11 });
      const x = b.input("image", IMAGE);
      const conv = b.batchNorm(b.conv(x, 3, 4), 4);
      const copy = b.node("Identity", [conv]);
      const least = b.node("ReduceMin", [conv], { keepdims: 0n });
      const chosen = b.branch(
        b.node("Less", [least, b.constant([], Float32Array.of(-1))]),
        (inner) => inner.node("Clip", [copy, inner.constant([], Float32Array.of(0))]),
        (inner) => inner.node("Squeeze", [inner.node("Unsqueeze", [conv], { axes: [0n] })], { axes: [0n] }),
        ["batch", 4, "height", "width"],
      );
      b.output(b.node("Add", [chosen, copy]), []);
      return inferOutputs(b.build());
    });
    expect(opsOf(graph)).toEqual(["Conv", "Identity", "ReduceMin", "Less", "If", "Add"]);
  });
});
