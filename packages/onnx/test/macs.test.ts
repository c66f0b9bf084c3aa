import { describe, expect, it } from "vitest";
import { Graph } from "../src/graph.ts";
import { estimateMacs } from "../src/macs.ts";
import type { TensorValue } from "../src/session.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";

function feed(...dims: number[]): TensorValue {
  return { type: "float32", dims, data: new Float32Array(dims.reduce((product, dim) => product * dim, 1)) };
}

describe("estimateMacs", () => {
  it("counts each layer of a network, from shapes that only a run tells", async () => {
    const graph = new Graph(buildSmallMobileNet());
    const costs = await estimateMacs(graph, { image: feed(1, 3, 16, 16) });
    expect([...costs.values()]).toEqual([
      { macs: 16 * 16 * 16 * 3 * 9, weightValues: 16 * 3 * 9, weightBytes: 4 * 16 * 3 * 9 },
      { macs: 16 * 8 * 8 * 9, weightValues: 16 * 9, weightBytes: 4 * 16 * 9 },
      { macs: 32 * 8 * 8 * 16, weightValues: 32 * 16, weightBytes: 4 * 32 * 16 },
      { macs: 10 * 32, weightValues: 10 * 32 + 10, weightBytes: 4 * (10 * 32 + 10) },
    ]);
    const twice = await estimateMacs(graph, { image: feed(2, 3, 16, 16) });
    expect([...twice.values()].map(({ macs }) => macs)).toEqual([...costs.values()].map(({ macs }) => 2 * macs));
  });

  it("counts a ConvTranspose by its input", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", [1, 4, 5, 5]);
    const weight = b.weight([4, 3, 2, 2], -1, 1);
    b.output(b.node("ConvTranspose", [x, weight], { group: 2n, strides: [2n, 2n] }), [1, 6, 10, 10]);
    const costs = await estimateMacs(new Graph(b.build()), { x: feed(1, 4, 5, 5) });
    // With stride 2 and a kernel of 2 each output element is one product for each input channel of its group.
    expect([...costs.values()][0]?.macs).toBe(6 * 10 * 10 * 2);
  });

  it("counts products of activations and a transposed Gemm", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", [3, 4, 5]);
    const product = b.node("MatMul", [x, b.node("Transpose", [x], { perm: [0n, 2n, 1n] })]);
    const flat = b.node("Flatten", [product], { axis: 2n });
    b.output(b.node("Gemm", [flat, b.weight([12, 7], -1, 1)], { transA: 1n }), [4, 7]);
    const costs = await estimateMacs(new Graph(b.build()), { x: feed(3, 4, 5) });
    expect([...costs.values()].map(({ macs, weightValues }) => [macs, weightValues])).toEqual([
      [3 * 4 * 4 * 5, 0],
      [4 * 7 * 12, 84],
    ]);
  });
});
