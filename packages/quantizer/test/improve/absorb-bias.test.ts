import { measureChannels } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { absorbHighBias, type BiasAbsorption } from "../../src/improve/absorb-bias.ts";
import { findLinks } from "../../src/improve/layer-links.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import { images, largestDeviation, outputsOf, PER_CHANNEL, sqnrOf, withRanges } from "./networks.ts";

/** A Conv with biases far above what its inputs move, and a layer whose output stays in float. */
function highBias(next: "gemm" | "padded conv"): ReturnType<typeof prepareModel> {
  const b = new ModelBuilder();
  const bias = b.constant([6], Float32Array.of(0.1, 30, 20, 0, 10, -5));
  const hidden = b.relu(b.node("Conv", [b.input("image", ["batch", 3, 8, 8]), b.weight([6, 3, 1, 1], -1, 1), bias]));
  if (next === "padded conv") b.output(b.conv(hidden, 6, 4), ["batch", 4, 8, 8]);
  else b.output(b.gemm(b.node("Flatten", [hidden], { axis: 1n }), 6 * 64, 4), ["batch", 4]);
  return prepareModel(b.build());
}

async function absorb(graph: ReturnType<typeof prepareModel>): Promise<BiasAbsorption> {
  const tensors = findLinks(graph).map(({ first }) => first.node.output[0] ?? "");
  return absorbHighBias(graph, await measureChannels(graph, tensors, images, { first: 0, count: 16 }));
}

describe("absorbHighBias", () => {
  it("takes what a channel always has above zero out of its range, and changes nothing in float", async () => {
    const graph = highBias("gemm");
    const { graph: absorbed, channels } = await absorb(graph);
    expect(channels).toBe(3);
    expect(largestDeviation(await outputsOf(graph), await outputsOf(absorbed))).toBeLessThan(1e-4);
    const before = await withRanges(graph);
    const after = await withRanges(absorbed);
    const hidden = graph.nodes[1]?.output[0] ?? "";
    expect(after.ranges.get(hidden)?.max).toBeLessThan((before.ranges.get(hidden)?.max ?? 0) / 5);
    expect(await sqnrOf(graph, after, PER_CHANNEL)).toBeGreaterThan((await sqnrOf(graph, before, PER_CHANNEL)) + 10);
  });

  it("moves nothing into a layer that reads padded zeros", async () => {
    expect((await absorb(highBias("padded conv"))).channels).toBe(0);
  });
});
