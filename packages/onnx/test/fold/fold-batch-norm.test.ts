import { describe, expect, it } from "vitest";
import { foldBatchNorm, foldChannelArithmetic } from "../../src/fold/fold-batch-norm.ts";
import { Graph } from "../../src/graph.ts";
import { buildSmallMobileNet, ModelBuilder } from "../build-model.ts";
import { differenceOf, inferOutputs, runModel } from "../run-model.ts";

interface Folding {
  readonly opset?: number;
  readonly fold?: (graph: Graph) => number;
}

/** Folds what `body` builds and gives the operators that are left, having checked that the outputs stay the same. */
async function folded(
  dims: readonly number[],
  body: (b: ModelBuilder, x: string) => string,
  { opset = 13, fold = foldBatchNorm }: Folding = {},
): Promise<string[]> {
  const build = () => {
    const b = new ModelBuilder({ opset });
    b.output(body(b, b.input("x", ["batch", ...dims.slice(1)])), []);
    return inferOutputs(b.build());
  };
  const before = await runModel(build(), { x: dims });
  const model = build();
  const graph = new Graph(model);
  fold(graph);
  const after = await runModel(model, { x: dims });
  expect(after.dims).toEqual(before.dims);
  expect(differenceOf(before, after)).toBeLessThan(3e-6);
  return graph.nodes.map((node) => node.opType);
}

const IMAGE = [2, 4, 8, 8];

describe("foldBatchNorm, backward", () => {
  it("removes every batch norm after a Conv and changes no output", async () => {
    const model = buildSmallMobileNet();
    const graph = new Graph(model);
    const image = { image: [2, 3, 16, 16] };
    expect(foldBatchNorm(graph)).toBe(3);
    expect(graph.nodes.map((node) => node.opType)).not.toContain("BatchNormalization");
    expect(differenceOf(await runModel(buildSmallMobileNet(), image), await runModel(model, image))).toBeLessThan(3e-6);
  });

  it.each([1, 2, 4])("folds into a ConvTranspose of %s groups", async (groups) => {
    const ops = await folded(IMAGE, (b, x) => {
      const weights = b.weight([4, 8 / groups, 3, 3], -0.5, 0.5);
      return b.batchNorm(b.node("ConvTranspose", [x, weights], { group: BigInt(groups), strides: [2n, 2n] }), 8);
    });
    expect(ops).toEqual(["ConvTranspose"]);
  });

  it.each([1, 2, 4])("folds into a Conv of %s groups with a bias", async (groups) => {
    expect(await folded(IMAGE, (b, x) => b.batchNorm(b.conv(x, 4, 8, { groups }), 8))).toEqual(["Conv"]);
  });

  it.each([0n, 1n])("folds into Gemm with transB %s", async (transB) => {
    const ops = await folded([3, 6], (b, x) => {
      const weight = b.weight(transB === 1n ? [4, 6] : [6, 4], -1, 1);
      return b.batchNorm(b.node("Gemm", [x, weight], { transB }), 4);
    });
    expect(ops).toEqual(["Gemm"]);
  });

  it.each([[[1, 5]], [[1]], [[]]])("folds into Gemm with a C of shape %j", async (dims) => {
    const ops = await folded([3, 6], (b, x) =>
      b.batchNorm(b.node("Gemm", [x, b.weight([6, 5], -1, 1), b.weight(dims, -1, 1)]), 5),
    );
    expect(ops).toEqual(["Gemm"]);
  });

  it("makes a Gemm of a MatMul that gives two sides", async () => {
    const ops = await folded([3, 6], (b, x) => b.batchNorm(b.node("MatMul", [x, b.weight([6, 4], -1, 1)]), 4));
    expect(ops).toEqual(["Gemm"]);
  });

  it("leaves one after a MatMul of three sides, whose channels are not the columns", async () => {
    const ops = await folded([3, 4, 6], (b, x) => b.batchNorm(b.node("MatMul", [x, b.weight([6, 4], -1, 1)]), 4));
    expect(ops).toEqual(["MatMul", "BatchNormalization"]);
  });

  it("folds two in a row", async () => {
    expect(await folded(IMAGE, (b, x) => b.batchNorm(b.batchNorm(b.conv(x, 4, 8), 8), 8))).toEqual(["Conv"]);
  });

  it("leaves a batch norm whose Conv has another reader", async () => {
    const ops = await folded(IMAGE, (b, x) => {
      const conv = b.conv(x, 4, 4);
      return b.node("Add", [b.batchNorm(conv, 4), conv]);
    });
    expect(ops).toEqual(["Conv", "BatchNormalization", "Add"]);
  });

  it("does not change a weight that another Conv shares", async () => {
    const ops = await folded(IMAGE, (b, x) => {
      const weight = b.weight([4, 4, 1, 1], -1, 1);
      return b.node("Add", [b.batchNorm(b.node("Conv", [x, weight]), 4), b.node("Conv", [x, weight])]);
    });
    expect(ops).toEqual(["Conv", "Conv", "Add"]);
  });

  it("folds those of opset 7 and 8, unless they normalize each element by itself", async () => {
    const build = (spatial: bigint) => (b: ModelBuilder, x: string) => {
      const count = spatial === 1n ? [4] : [4, 8, 8];
      const parameters = [0, 1, 2, 3].map(() => b.weight(count, 0.5, 1));
      return b.node("BatchNormalization", [b.conv(x, 4, 4), ...parameters], { spatial });
    };
    expect(await folded(IMAGE, build(1n), { opset: 8 })).toEqual(["Conv"]);
    const graph = new Graph(modelOf(7, build(0n)));
    expect(foldBatchNorm(graph)).toBe(0);
  });

  it("leaves a batch norm that normalizes by each batch's own statistics", () => {
    const parameters = (b: ModelBuilder) => [0, 1, 2, 3].map(() => b.weight([4], 0.5, 1));
    const training = new Graph(
      modelOf(15, (b, x) => b.node("BatchNormalization", [b.conv(x, 4, 4), ...parameters(b)], { training_mode: 1n })),
    );
    expect(foldBatchNorm(training)).toBe(0);
    // ONNX Runtime trains before opset 14 wherever the outputs of training are named, even if nothing reads them.
    const named = new Graph(
      modelOf(9, (b, x) => b.node("BatchNormalization", [b.conv(x, 4, 4), ...parameters(b)], {})),
    );
    named.nodes[1]?.output.push("mean", "variance", "saved_mean", "saved_variance");
    expect(foldBatchNorm(named)).toBe(0);
  });
});

describe("foldBatchNorm, forward", () => {
  const unpadded = (b: ModelBuilder, x: string, groups: number) =>
    b.node("Conv", [x, b.weight([8, 4 / groups, 3, 3], -0.5, 0.5)], { group: BigInt(groups), strides: [2n, 2n] });

  it.each([1, 2, 4])("folds into an unpadded Conv of %s groups", async (groups) => {
    expect(await folded(IMAGE, (b, x) => unpadded(b, b.batchNorm(x, 4), groups))).toEqual(["Conv"]);
  });

  it("leaves it before a padded Conv, where it would not be exact", async () => {
    expect(await folded(IMAGE, (b, x) => b.conv(b.batchNorm(x, 4), 4, 8))).toEqual(["BatchNormalization", "Conv"]);
    const same = await folded(IMAGE, (b, x) =>
      b.node("Conv", [b.batchNorm(x, 4), b.weight([8, 4, 3, 3], -1, 1)], { auto_pad: "SAME_UPPER" }),
    );
    expect(same).toEqual(["BatchNormalization", "Conv"]);
  });

  it("folds into a padded Conv and a ConvTranspose where it does not shift", async () => {
    const scaleOnly = (b: ModelBuilder, x: string) => {
      const zero = b.constant([4], new Float32Array(4));
      return b.node("BatchNormalization", [x, b.weight([4], 0.5, 2), zero, zero, b.weight([4], 0.5, 2)]);
    };
    expect(await folded(IMAGE, (b, x) => b.conv(scaleOnly(b, x), 4, 8))).toEqual(["Conv"]);
    const transposed = await folded(IMAGE, (b, x) =>
      b.node("ConvTranspose", [scaleOnly(b, x), b.weight([4, 2, 3, 3], -1, 1)], { group: 2n }),
    );
    expect(transposed).toEqual(["ConvTranspose"]);
  });

  it("leaves it before a ConvTranspose that it would shift, unless the kernel is a point", async () => {
    const build = (kernel: number) => (b: ModelBuilder, x: string) =>
      b.node("ConvTranspose", [b.batchNorm(x, 4), b.weight([4, 6, kernel, kernel], -1, 1)]);
    expect(await folded(IMAGE, build(3))).toEqual(["BatchNormalization", "ConvTranspose"]);
    expect(await folded(IMAGE, build(1))).toEqual(["ConvTranspose"]);
  });

  it.each(["Gemm", "MatMul"])("folds into a %s", async (op) => {
    const ops = await folded([3, 6], (b, x) => b.node(op, [b.batchNorm(x, 6), b.weight([6, 4], -1, 1)]));
    expect(ops).toEqual(["Gemm"]);
  });

  it("leaves one that two nodes read", async () => {
    const ops = await folded(IMAGE, (b, x) => {
      const normalized = b.batchNorm(x, 4);
      return b.node("Add", [unpadded(b, normalized, 1), unpadded(b, normalized, 1)]);
    });
    expect(ops).toEqual(["BatchNormalization", "Conv", "Conv", "Add"]);
  });
});

describe("foldChannelArithmetic", () => {
  const options = { fold: foldChannelArithmetic };

  it("folds a batch norm that is written as Mul and Add", async () => {
    const ops = await folded(
      IMAGE,
      (b, x) => {
        const scaled = b.node("Mul", [b.weight([1, 8, 1, 1], 0.5, 2), b.conv(x, 4, 8)]);
        return b.node("Add", [scaled, b.weight([8, 1, 1], -1, 1)]);
      },
      options,
    );
    expect(ops).toEqual(["Conv"]);
  });

  it.each([
    ["Sub", [8, 1, 1], false],
    ["Sub", [1], true],
    ["Div", [1, 8, 1, 1], false],
    ["Mul", [], true],
  ])("folds a %s by a constant of shape %j (first: %s)", async (op, dims, first) => {
    const ops = await folded(
      IMAGE,
      (b, x) => {
        const inputs = [b.conv(x, 4, 8, { bias: false }), b.weight(dims, 0.5, 2)];
        return b.node(op, first ? inputs.toReversed() : inputs);
      },
      options,
    );
    expect(ops).toEqual(["Conv"]);
  });

  it.each([
    ["Div", [1], true],
    ["Add", [8], false],
    ["Mul", [1, 8, 8, 8], false],
    ["Mul", [1, 1, 8, 1, 1], false],
  ])("leaves a %s that is not affine per channel (%j, first: %s)", async (op, dims, first) => {
    const ops = await folded(
      IMAGE,
      (b, x) => {
        const inputs = [b.conv(x, 4, 8), b.weight(dims, 0.5, 2)];
        return b.node(op, first ? inputs.toReversed() : inputs);
      },
      options,
    );
    expect(ops).toEqual(["Conv", op]);
  });

  it("makes a Gemm of MatMul and Add where the input has two sides, and scales columns anywhere", async () => {
    const build = (b: ModelBuilder, x: string) => {
      const scaled = b.node("Mul", [b.node("MatMul", [x, b.weight([6, 5], -1, 1)]), b.weight([5], 0.5, 2)]);
      return b.node("Add", [scaled, b.weight([5], -1, 1)]);
    };
    expect(await folded([3, 6], build, options)).toEqual(["Gemm"]);
    expect(await folded([2, 3, 6], build, options)).toEqual(["MatMul", "Add"]);
  });
});

function modelOf(opset: number, body: (b: ModelBuilder, x: string) => string) {
  const b = new ModelBuilder({ opset });
  b.output(body(b, b.input("x", IMAGE)), IMAGE);
  return b.build();
}
