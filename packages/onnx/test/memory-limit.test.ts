import { describe, expect, it } from "vitest";
import { Graph } from "../src/graph.ts";
import { inferTypes } from "../src/infer-types.ts";
import { ModelBuilder } from "./build-model.ts";

/** Enlarges an image of one pixel to `side` squared. */
function enlarge(side: number): Graph {
  const b = new ModelBuilder();
  const x = b.input("x", [1, 1, 1, 1]);
  const scales = b.constant([4], Float32Array.of(1, 1, side, side));
  b.output(b.node("Resize", [b.relu(x), "", scales]), [1, 1, side, side]);
  return new Graph(b.build());
}

describe("a tensor of fixed shape", () => {
  it("is refused before it is computed where no machine could hold it", async () => {
    const graph = enlarge(1 << 22);
    await expect(inferTypes(graph, graph.outputNames, "the model")).rejects.toMatchObject({
      code: "tensor-too-large",
      message: expect.stringMatching(/the model computes tensor "Resize_3" of \d+ MB/) as string,
    });
  });

  it("is taken where it is only large", async () => {
    const graph = enlarge(64);
    expect((await inferTypes(graph, graph.outputNames, "the model")).get("Resize_3")?.shape).toEqual([1, 1, 64, 64]);
  });
});
