import { describe, expect, it } from "vitest";
import { liftConstants } from "../src/constants.ts";
import { Graph } from "../src/graph.ts";
import { makeTensor, readFloats } from "../src/tensor.ts";
import { ModelBuilder } from "./build-model.ts";
import { runModel } from "./run-model.ts";

describe("liftConstants", () => {
  it("makes initializers of Constant nodes", async () => {
    const b = new ModelBuilder();
    const x = b.input("x", [2, 3]);
    const tensor = b.node("Constant", [], { value: makeTensor("", [1], Float32Array.of(2)) });
    const scalar = b.node("Constant", [], { value_float: 0.5 });
    b.output(b.node("Add", [b.node("Mul", [x, tensor]), scalar]), [2, 3]);
    const before = await runModel(b.build(), { x: [2, 3] });
    const model = b.build();
    const graph = new Graph(model);
    expect(liftConstants(graph)).toBe(2);
    expect(readFloats(graph.initializer(tensor) ?? makeTensor("", [], new Float32Array(1)))).toEqual(
      Float32Array.of(2),
    );
    expect(await runModel(model, { x: [2, 3] })).toEqual(before);
  });

  it("takes every kind that holds numbers, and leaves texts and what the caller reads", () => {
    const b = new ModelBuilder();
    const kinds = [{ value_floats: [1, 2] }, { value_int: 3n }, { value_ints: [1n, 2n] }, { value_string: "text" }];
    for (const attributes of kinds) b.node("Constant", [], attributes);
    b.output(b.node("Constant", [], { value_int: 1n }), []);
    const graph = new Graph(b.build());
    expect(liftConstants(graph)).toBe(3);
    expect(graph.nodes).toHaveLength(2);
    expect(graph.initializers.map((tensor) => tensor.dims)).toEqual([[2n], [], [2n]]);
  });
});
