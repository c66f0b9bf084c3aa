import { profileModel, type Graph, type ModelProto } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { buildSmallMobileNet, ModelBuilder } from "../../../onnx/test/build-model.ts";
import { prepareModel } from "../../src/draft/prepare.ts";
import type { Layer } from "../../src/sensitivity/layers.ts";
import { isLayer } from "../../src/sensitivity/layers.ts";
import { timeShares } from "../../src/sensitivity/time-shares.ts";

function layersIn(graph: Graph): Layer[] {
  return graph.nodes
    .filter((node) => isLayer(graph, node))
    .map((node) => ({ node, params: 0, weightsPct: 0, reason: null }));
}

async function sharesOf(model: ModelProto, dims: readonly number[], input = "x") {
  const graph = prepareModel(model);
  const layers = layersIn(graph);
  const size = dims.reduce((product, side) => product * side, 1);
  const feed = { type: "float32" as const, dims, data: new Float32Array(size).fill(0.25) };
  const profile = await profileModel(graph.model, [{ [input]: feed }], { threads: 1 });
  return { layers, profile, shares: timeShares(graph, layers, profile) };
}

describe("timeShares finds every layer in what ONNX Runtime runs:", () => {
  it("convolutions with activations, some in the blocked layout and renamed", async () => {
    const b = new ModelBuilder({ seed: 2 });
    const first = b.relu6(b.conv(b.input("x", [1, 3, 16, 16]), 3, 16));
    const second = b.relu(b.conv(first, 16, 32));
    b.output(b.conv(second, 32, 16, { kernel: 1 }), [1, 16, 16, 16]);
    const { layers, profile, shares } = await sharesOf(b.build(), [1, 3, 16, 16]);
    expect(layers).toHaveLength(3);
    // Otherwise this would test nothing: not a single kernel has its layer's name.
    expect(profile.kernels.some(({ name }) => !layers.some(({ node }) => node.name === name))).toBe(true);
    checkShares(shares);
  });

  it("a sum of two convolutions, one of which does the sum too", async () => {
    const b = new ModelBuilder({ seed: 3 });
    const stem = b.relu(b.conv(b.input("x", [1, 3, 16, 16]), 3, 16));
    const sum = b.node("Add", [b.conv(stem, 16, 32), b.conv(stem, 16, 32, { kernel: 1 })]);
    b.output(b.relu(sum), [1, 32, 16, 16]);
    const { layers, shares } = await sharesOf(b.build(), [1, 3, 16, 16]);
    expect(layers).toHaveLength(3);
    checkShares(shares);
  });

  it("products with activations, sums and transpositions", async () => {
    const b = new ModelBuilder({ seed: 4 });
    const hidden = b.relu(b.gemm(b.input("x", [4, 64]), 64, 256));
    const product = b.node("MatMul", [hidden, b.weight([256, 256], -0.1, 0.1)]);
    const biased = b.relu(b.node("Add", [product, b.weight([256], -0.1, 0.1)]));
    const turned = b.node("Transpose", [b.node("MatMul", [biased, b.weight([256, 128], -0.1, 0.1)])], {
      perm: [1n, 0n],
    });
    b.output(b.node("MatMul", [turned, b.weight([4, 32], -0.1, 0.1)]), [128, 32]);
    const { layers, shares } = await sharesOf(b.build(), [4, 64]);
    expect(layers).toHaveLength(4);
    checkShares(shares);
  });

  it("a small network with batch norms; what is no layer is other", async () => {
    const { layers, shares } = await sharesOf(buildSmallMobileNet(), [1, 3, 16, 16], "image");
    expect(layers.map(({ node }) => node.opType)).toEqual(["Conv", "Conv", "Conv", "Gemm"]);
    checkShares(shares);
    expect(shares.other).toBeGreaterThan(0);
  });
});

function checkShares({ layers, other }: ReturnType<typeof timeShares>): void {
  for (const share of layers) expect(share).toBeGreaterThan(0);
  expect(layers.reduce((sum, share) => sum + share, 0) + other).toBeCloseTo(100, 6);
}
