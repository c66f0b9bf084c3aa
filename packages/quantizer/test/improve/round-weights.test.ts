import { readFloats, type Graph } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { int8Weights } from "../../src/int8/weights.ts";
import { planOf } from "../../src/improve/build-int8.ts";
import { measureMoments, weightRows } from "../../src/improve/input-moments.ts";
import { linearLayer, type LinearLayer } from "../../src/improve/linear-layer.ts";
import { roundWeights } from "../../src/improve/round-weights.ts";
import { splitImages } from "../../src/improve/split-images.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import {
  images,
  outputsOf,
  PER_CHANNEL,
  PER_TENSOR,
  separableNetwork,
  sqnrOf,
  unbalance,
  withRanges,
} from "./networks.ts";

const split = splitImages(images, 1, 8);

describe("measureMoments", () => {
  it.each([
    ["a padded Conv with strides", 1, 2],
    ["a grouped Conv", 3, 1],
  ])("gives the power of a layer's output for %s", async (_, groups, stride) => {
    const b = new ModelBuilder();
    b.output(b.conv(b.input("image", ["batch", 3, 8, 8]), 3, 6, { groups, stride, bias: false }), ["batch", 6, 8, 8]);
    await expectPower(prepareModel(b.build()));
  });

  it("gives it for a Gemm, its weights transposed or not", async () => {
    for (const transB of [0n, 1n]) {
      const b = new ModelBuilder();
      const flat = b.node("Flatten", [b.input("image", ["batch", 3, 8, 8])], { axis: 1n });
      const weights = b.weight(transB === 1n ? [5, 192] : [192, 5], -1, 1);
      b.output(b.node("Gemm", [flat, weights], { transB }), ["batch", 5]);
      await expectPower(prepareModel(b.build()));
    }
  });

  it("leaves a layer out whose moments would not fit into bounded memory", () => {
    const b = new ModelBuilder();
    b.output(b.conv(b.input("image", ["batch", 256, 8, 8]), 256, 1), ["batch", 1, 8, 8]);
    expect(weightRows(onlyLayer(prepareModel(b.build())))).toBeUndefined();
  });
});

describe("roundWeights", () => {
  it.each([PER_TENSOR, PER_CHANNEL, { ...PER_CHANNEL, reducedRange: true }])(
    "makes less noise than rounding to nearest, at neighbouring integers and the same scales: %o",
    async (emit) => {
      const graph = separableNetwork();
      const candidate = await withRanges(graph);
      const { graph: rounded, layers } = await roundWeights(graph, candidate, { emit, source: images, images: split });
      expect(layers).toHaveLength(4);
      expect(layers.filter(({ kept }) => kept).length).toBeGreaterThanOrEqual(3);
      for (const { kept, nearestDb, chosenDb } of layers) expect(kept).toBe(chosenDb > nearestDb);
      const [before, after] = [candidate, { ...candidate, graph: rounded }].map((each) =>
        each.graph.nodes
          .filter(({ opType }) => opType === "Conv" || opType === "Gemm")
          .map((node) => int8Weights(each.graph, planOf(each.graph, each, emit), node, emit)),
      );
      for (const [index, nearest] of (before ?? []).entries()) {
        const chosen = after?.[index];
        for (const [channel, scale] of nearest.scales.entries())
          expect(chosen?.scales[channel] ?? 0).toBeCloseTo(scale, 9);
        const turned = nearest.integers.map((value, at) => Math.abs(value - (chosen?.integers[at] ?? 0)));
        const name = graph.nodes.find((node) => node.input[1] === nearest.name)?.name;
        expect(Math.max(...turned)).toBe(layers.find((layer) => layer.name === name)?.kept === true ? 1 : 0);
      }
    },
  );

  it("improves the model's output where weights make most of the noise", async () => {
    const reference = separableNetwork();
    const graph = unbalance(reference, 2);
    const candidate = await withRanges(graph);
    const options = { emit: PER_TENSOR, source: images, images: split };
    const all = await roundWeights(graph, candidate, options);
    expect(await sqnrOf(reference, { ...candidate, graph: all.graph }, PER_TENSOR)).toBeGreaterThan(
      (await sqnrOf(reference, candidate, PER_TENSOR)) + 1,
    );
    const worst = await roundWeights(graph, candidate, { ...options, layers: 1 });
    expect(worst.layers).toEqual(all.layers.slice(0, 1));
  });
});

/** wᵀ H w summed over the rows is the sum of the squares of all outputs. */
async function expectPower(graph: Graph): Promise<void> {
  const layer = onlyLayer(graph);
  const rows = weightRows(layer);
  if (rows === undefined) throw new Error("the layer is small");
  const { values, size } = await measureMoments(graph, layer, rows, images, { first: 0, count: 16 });
  const weights = readFloats(graph.constant(layer.node.input[1] ?? "") as Parameters<typeof readFloats>[0]);
  let power = 0;
  for (let row = 0; row < rows.groups * rows.rowsPerGroup; row++) {
    const start = Math.floor(row / rows.rowsPerGroup) * size * size;
    for (let i = 0; i < size; i++)
      for (let j = 0; j < size; j++)
        power +=
          (weights[rows.at(row, i)] as number) *
          (values[start + i * size + j] as number) *
          (weights[rows.at(row, j)] as number);
  }
  const outputs = await outputsOf(graph);
  const expected = outputs.reduce((sum, value) => sum + value * value, 0);
  expect(power / expected).toBeCloseTo(1, 4);
}

function onlyLayer(graph: Graph): LinearLayer {
  for (const node of graph.nodes) {
    const layer = linearLayer(graph, node);
    if (layer !== undefined) return layer;
  }
  throw new Error("the network has a layer");
}
