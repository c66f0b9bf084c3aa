import { type ChannelStatistics, type Graph, measureChannels } from "@edgewatt/onnx";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { equalizeLayers } from "../../src/improve/equalize.ts";
import { findLinks } from "../../src/improve/layer-links.ts";
import { linearLayer, weightsOf } from "../../src/improve/linear-layer.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import {
  images,
  largestDeviation,
  outputsOf,
  PER_CHANNEL,
  PER_TENSOR,
  separableNetwork,
  sqnrOf,
  unbalance,
  withRanges,
} from "./networks.ts";

function statisticsOf(graph: Graph): Promise<ReadonlyMap<string, ChannelStatistics>> {
  const tensors = findLinks(graph).map(({ first }) => first.node.output[0] ?? "");
  return measureChannels(graph, tensors, images, { first: 0, count: images.count });
}

describe("equalizeLayers", () => {
  it("brings back what channels scaled by up to 1:1000 cost a per-tensor model", async () => {
    const balanced = separableNetwork();
    const spoiled = unbalance(balanced, 3);
    expect(largestDeviation(await outputsOf(balanced), await outputsOf(spoiled))).toBeLessThan(1e-4);
    const before = await sqnrOf(balanced, await withRanges(spoiled), PER_TENSOR);
    for (const statistics of [new Map(), await statisticsOf(spoiled)]) {
      const { graph, pairs } = equalizeLayers(spoiled, statistics);
      expect(pairs).toBe(3);
      expect(await sqnrOf(balanced, await withRanges(graph), PER_TENSOR)).toBeGreaterThan(before + 10);
      expect(await sqnrOf(balanced, await withRanges(graph), PER_CHANNEL)).toBeGreaterThan(before + 10);
    }
  });

  it("gives both layers of a pair the same range in each channel", () => {
    const b = new ModelBuilder();
    const hidden = b.relu(b.conv(b.input("image", ["batch", 3, 8, 8]), 3, 8));
    b.output(b.conv(hidden, 8, 4, { kernel: 1 }), ["batch", 4, 8, 8]);
    const { graph } = equalizeLayers(unbalance(prepareModel(b.build()), 2));
    const [link] = findLinks(graph);
    if (link === undefined) throw new Error("the pair is a link");
    const largest = (values: Float32Array, channelOf: (index: number) => number): number[] => {
      const ranges = Array.from({ length: 8 }, () => 0);
      for (const [index, value] of values.entries())
        ranges[channelOf(index)] = Math.max(ranges[channelOf(index)] ?? 0, Math.abs(value));
      return ranges;
    };
    const first = largest(weightsOf(graph, link.first), (index) => link.first.outputOf(index));
    const second = largest(weightsOf(graph, link.second), (index) => link.second.inputOf(index));
    for (const [channel, range] of first.entries()) expect(range / (second[channel] ?? 0)).toBeCloseTo(1, 3);
  });

  it("leaves the graph that it is given, weights that layers share, and channels without weights as they were", async () => {
    const b = new ModelBuilder();
    const x = b.input("image", ["batch", 3, 8, 8]);
    const shared = b.weight([3, 3, 1, 1], -1, 1);
    const dead = b.constant([3, 3, 1, 1], Float32Array.of(0, 0, 0, 1, 2, 3, -9, 8, 7));
    const one = b.relu(b.node("Conv", [x, shared]));
    const two = b.relu(b.node("Conv", [one, dead]));
    b.output(b.node("Conv", [two, shared]), ["batch", 3, 8, 8]);
    const graph = prepareModel(b.build());
    const before = await outputsOf(graph);
    const equalized = equalizeLayers(graph);
    expect(equalized.pairs).toBe(2);
    expect(largestDeviation(before, await outputsOf(equalized.graph))).toBeLessThan(1e-4);
    expect(await outputsOf(graph)).toEqual(before);
  });

  it("touches no link over a Clip without statistics, and with them only what the Clip does not cut", async () => {
    const graph = unbalance(separableNetwork("relu6"), 2);
    const statistics = await statisticsOf(graph);
    const stem = [...statistics.values()][0]?.max ?? [];
    expect(stem.some((max) => max > 6)).toBe(true);
    expect(stem.some((max) => max < 6)).toBe(true);
    expect(equalizeLayers(graph).pairs).toBe(0);
    const before = await outputsOf(graph);
    const { graph: equalized, pairs } = equalizeLayers(graph, statistics);
    expect(pairs).toBe(3);
    expect(largestDeviation(before, await outputsOf(equalized))).toBeLessThan(1e-4);
    expect(await sqnrOf(graph, await withRanges(equalized), PER_TENSOR)).toBeGreaterThan(
      await sqnrOf(graph, await withRanges(graph), PER_TENSOR),
    );
  });

  it("leaves two layers alone that are not each other's only neighbours", () => {
    const b = new ModelBuilder();
    const hidden = b.relu(b.conv(b.input("image", ["batch", 3, 8, 8]), 3, 3));
    b.output(b.node("Add", [b.conv(hidden, 3, 3), hidden]), ["batch", 3, 8, 8]);
    expect(equalizeLayers(prepareModel(b.build())).pairs).toBe(0);
  });

  it("keeps the float result on any network", async () => {
    const step = fc.record({
      kind: fc.constantFrom("conv", "depthwise", "grouped", "transposed", "max-pool", "average-pool", "add"),
      activation: fc.constantFrom("none", "relu", "leaky", "relu6"),
      channels: fc.constantFrom(2, 4, 6),
      kernel: fc.constantFrom(1, 3),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 1e6 }),
        fc.array(step, { minLength: 1, maxLength: 6 }),
        fc.boolean(),
        async (seed, steps, measured) => {
          const graph = unbalance(buildNetwork(seed, steps), 2, seed);
          const { graph: equalized } = equalizeLayers(graph, measured ? await statisticsOf(graph) : new Map());
          expect(largestDeviation(await outputsOf(graph), await outputsOf(equalized))).toBeLessThan(1e-4);
          for (const node of equalized.nodes) {
            const layer = linearLayer(equalized, node);
            if (layer !== undefined) expect(weightsOf(equalized, layer).every(Number.isFinite)).toBe(true);
          }
        },
      ),
      { numRuns: 60 },
    );
  });
});

interface Step {
  readonly kind: string;
  readonly activation: string;
  readonly channels: number;
  readonly kernel: number;
}

function buildNetwork(seed: number, steps: readonly Step[]): Graph {
  const b = new ModelBuilder({ seed });
  let channels = 4;
  let tensor = b.conv(b.input("image", ["batch", 3, 8, 8]), 3, channels);
  for (const { kind, activation, channels: wanted, kernel } of steps) {
    const before = tensor;
    if (kind === "conv") tensor = b.conv(tensor, channels, wanted, { kernel });
    if (kind === "depthwise") tensor = b.conv(tensor, channels, channels, { kernel, groups: channels });
    if (kind === "grouped") tensor = b.conv(tensor, channels, wanted, { kernel, groups: 2 });
    if (kind === "transposed")
      tensor = b.node("ConvTranspose", [tensor, b.weight([channels, wanted, 1, 1], -1, 1), b.weight([wanted], -1, 1)]);
    if (kind === "conv" || kind === "grouped" || kind === "transposed") channels = wanted;
    if (kind === "max-pool") tensor = b.node("MaxPool", [tensor], { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] });
    if (kind === "average-pool")
      tensor = b.node("AveragePool", [tensor], { kernel_shape: [3n, 3n], pads: [1n, 1n, 1n, 1n] });
    if (kind === "add") tensor = b.node("Add", [b.conv(tensor, channels, channels, { kernel: 1 }), before]);
    if (activation === "relu") tensor = b.relu(tensor);
    if (activation === "leaky") tensor = b.node("LeakyRelu", [tensor], { alpha: 0.2 });
    if (activation === "relu6") tensor = b.relu6(tensor);
  }
  const flat = b.node("Flatten", [tensor], { axis: 1n });
  b.output(b.gemm(flat, channels * 64, 5), ["batch", 5]);
  return prepareModel(b.build());
}
