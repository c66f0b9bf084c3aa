import { describe, expect, it } from "vitest";
import { Graph } from "../src/graph.ts";
import { inferTypes } from "../src/infer-types.ts";
import { ModelBuilder } from "./build-model.ts";

describe("inferTypes", () => {
  it("tells type and shape of what is computed, by ONNX Runtime's inference, with or without large weights", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", ["batch", 3, 8, 8]);
    const conv = b.conv(x, 3, 64, { stride: 2 });
    const flat = b.node("Reshape", [conv, b.constant([2], BigInt64Array.of(-1n, 1024n))]);
    const wide = b.node("Cast", [flat], { to: 11n });
    const shape = b.node("Shape", [x]);
    b.output(wide, ["batch", 1024]);
    b.output(shape, [4]);
    const graph = new Graph(b.build());
    const weight = graph.nodes[0]?.input[1] ?? "";
    const types = await inferTypes(graph, [x, conv, flat, wide, shape, weight, "missing"], "a model");
    expect([...types].map(([name, value]) => [name, value.type, value.shape])).toEqual([
      [x, "float32", ["batch", 3, 8, 8]],
      [conv, "float32", ["batch", 64, 4, 4]],
      [flat, "float32", [expect.anything(), 1024]],
      [wide, "float64", [expect.anything(), 1024]],
      [shape, "int64", [4]],
    ]);
  });

  it("names a model that does not load", async () => {
    const b = new ModelBuilder();
    const y = b.node("NoSuchOperator", [b.input("x", [1])]);
    b.output(y, [1]);
    await expect(inferTypes(new Graph(b.build()), [y], "odd.onnx")).rejects.toThrow(/odd\.onnx.*NoSuchOperator/);
  });
});
