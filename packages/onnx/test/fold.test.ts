import { describe, expect, it } from "vitest";
import { liftConstants } from "../src/constants.ts";
import { foldBatchNorm } from "../src/fold.ts";
import { Graph } from "../src/graph.ts";
import { openSession } from "../src/session.ts";
import { makeTensor } from "../src/tensor.ts";
import type { ModelProto } from "../src/proto.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";

async function run(model: ModelProto, input: string, dims: number[]): Promise<Float32Array> {
  await using session = await openSession(model, { optimization: "disabled" });
  const size = dims.reduce((product, dim) => product * dim, 1);
  const data = Float32Array.from({ length: size }, (_, index) => Math.sin(index * 0.7));
  const [output] = Object.values(await session.run({ [input]: { type: "float32", dims, data } }));
  return output?.data as Float32Array;
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, index) => Math.max(largest, Math.abs(value - (b[index] ?? Number.NaN))), 0);
}

describe("foldBatchNorm", () => {
  it("removes every batch norm after a Conv and changes no output", async () => {
    const model = buildSmallMobileNet();
    const before = await run(buildSmallMobileNet(), "image", [2, 3, 16, 16]);
    const graph = new Graph(model);
    expect(foldBatchNorm(graph)).toBe(3);
    expect(graph.nodes.map((node) => node.opType)).not.toContain("BatchNormalization");
    expect(largestDifference(before, await run(model, "image", [2, 3, 16, 16]))).toBeLessThan(1e-5);
  });

  it("folds into Gemm with either orientation of its weight", async () => {
    for (const transB of [0n, 1n]) {
      const build = (): ModelProto => {
        const b = new ModelBuilder();
        const x = b.input("x", ["batch", 6]);
        const weight = b.weight(transB === 1n ? [4, 6] : [6, 4], -1, 1);
        b.output(b.batchNorm(b.node("Gemm", [x, weight], { transB }), 4), ["batch", 4]);
        return b.build();
      };
      const folded = build();
      expect(foldBatchNorm(new Graph(folded))).toBe(1);
      expect(largestDifference(await run(build(), "x", [3, 6]), await run(folded, "x", [3, 6]))).toBeLessThan(1e-5);
    }
  });

  it("leaves a batch norm whose Conv has another reader", () => {
    const b = new ModelBuilder();
    const conv = b.conv(b.input("x", [1, 4, 8, 8]), 4, 4);
    b.output(b.node("Add", [b.batchNorm(conv, 4), conv]), [1, 4, 8, 8]);
    const graph = new Graph(b.build());
    expect(foldBatchNorm(graph)).toBe(0);
    expect(graph.nodes).toHaveLength(3);
  });

  it("leaves a batch norm that normalizes by each batch's own statistics", () => {
    const b = new ModelBuilder({ opset: 15 });
    const conv = b.conv(b.input("x", [1, 4, 8, 8]), 4, 4);
    const parameters = [0, 1, 2, 3].map(() => b.weight([4], 0.5, 1));
    b.output(b.node("BatchNormalization", [conv, ...parameters], { training_mode: 1n }), [1, 4, 8, 8]);
    expect(foldBatchNorm(new Graph(b.build()))).toBe(0);
  });

  it("does not change a weight that another Conv shares", async () => {
    const build = (): ModelProto => {
      const b = new ModelBuilder();
      const x = b.input("x", [1, 4, 8, 8]);
      const weight = b.weight([4, 4, 1, 1], -1, 1);
      const left = b.batchNorm(b.node("Conv", [x, weight]), 4);
      b.output(b.node("Add", [left, b.node("Conv", [x, weight])]), [1, 4, 8, 8]);
      return b.build();
    };
    const folded = build();
    expect(foldBatchNorm(new Graph(folded))).toBe(1);
    const dims = [1, 4, 8, 8];
    expect(largestDifference(await run(build(), "x", dims), await run(folded, "x", dims))).toBeLessThan(1e-5);
  });
});

describe("liftConstants", () => {
  it("makes initializers of Constant nodes", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", [2, 3]);
    const tensor = b.node("Constant", [], { value: makeTensor("", [1], Float32Array.of(2)) });
    const scalar = b.node("Constant", [], { value_float: 0.5 });
    b.output(b.node("Add", [b.node("Mul", [x, tensor]), scalar]), [2, 3]);
    const model = b.build();
    const graph = new Graph(model);
    expect(liftConstants(graph)).toBe(2);
    const output = await run(model, "x", [2, 3]);
    expect(output[1]).toBeCloseTo(2 * Math.sin(0.7) + 0.5, 6);
  });
});
