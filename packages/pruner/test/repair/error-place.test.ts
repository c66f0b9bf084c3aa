import { Graph, openSession } from "@edgewatt/onnx";
import { describe, expect, it } from "vitest";
import { ModelBuilder } from "../../../onnx/test/build-model.ts";
import { ExtraNodes } from "../../src/activations/extra-nodes.ts";
import { passedError } from "../../src/repair/error-nodes.ts";
import { errorPlace } from "../../src/repair/error-place.ts";

const SHAPE = [1, 8, 16, 16];

/** The place of the first Conv's error in what `body` makes of its output. */
function placeOf(body: (b: ModelBuilder, conv: string, x: string) => string, isRepaired = true) {
  const b = new ModelBuilder();
  const x = b.input("image", ["batch", 8, 16, 16]);
  const conv = b.conv(x, 8, 8);
  const last = body(b, conv, x);
  b.output(b.node("Identity", [last]));
  const graph = new Graph(b.build());
  const node = graph.producer(conv);
  if (node === undefined) throw new Error("no Conv");
  const place = errorPlace(
    graph,
    node,
    8,
    () => SHAPE,
    () => isRepaired,
  );
  return { ...place, op: graph.producer(place.tensor)?.opType, graph };
}

describe("where a layer's error is measured", () => {
  it("is its own output, where nothing else follows", () => {
    const { op, factors, passed } = placeOf((b, conv) => b.node("Sigmoid", [conv]));
    expect([op, passed]).toEqual(["Conv", undefined]);
    expect([...factors]).toEqual([1, 1, 1, 1, 1, 1, 1, 1]);
  });

  it("is behind its batch norm, with what undoes its scale", () => {
    const scale = Float32Array.of(2, -1, 0, 4, 1, 1, 1, 1);
    const { op, factors, passed } = placeOf((b, conv) => {
      const [shift, variance] = [new Float32Array(8), new Float32Array(8).fill(4)].map((data) => b.constant([8], data));
      return b.relu(
        b.node("BatchNormalization", [conv, b.constant([8], scale), shift ?? "", shift ?? "", variance ?? ""], {
          epsilon: 0,
        }),
      );
    });
    expect([op, passed]).toEqual(["BatchNormalization", { low: 0, high: Infinity }]);
    expect([...factors]).toEqual([1, -2, 0, 0.5, 2, 2, 2, 2]);
  });

  it("is the sum of a residual, once what is added to it is repaired", () => {
    const body = (b: ModelBuilder, conv: string, x: string): string => b.relu6(b.node("Add", [x, conv]));
    expect(placeOf(body)).toMatchObject({ op: "Add", passed: { low: 0, high: 6 } });
    expect(placeOf(body, false)).toMatchObject({ op: "Conv", passed: undefined });
  });

  it("is not behind an activation that others do not see through", () => {
    expect(placeOf((b, conv) => b.node("Add", [b.relu(conv), b.node("Neg", [conv])]))).toMatchObject({
      op: "Conv",
      passed: undefined,
    });
  });
});

it("an error is what an activation lets through of it", async () => {
  const b = new ModelBuilder();
  const [original, pruned] = ["original", "pruned"].map((name) => b.node("Identity", [b.input(name, [7])])) as [
    string,
    string,
  ];
  b.output(b.node("Sub", [original, pruned]), [7]);
  const nodes = new ExtraNodes(new Graph(b.build()));
  const error = passedError(nodes, original, pruned, { low: 0, high: 6 });
  await using session = await openSession(nodes.model([original, pruned], [error]));
  const feed = (...values: number[]) => ({ type: "float32" as const, dims: [7], data: Float32Array.from(values) });
  const results = await session.run({ original: feed(-1, -1, 2, 2, 8, 8, 0), pruned: feed(-3, 0.5, 1, -1, 7, 5, -2) });
  // Both below; only one; both between; what should pass does not; both above; only one; at the bound.
  const found = results[error]?.data as Float32Array;
  // -0 becomes 0.
  expect(Array.from(found, (value) => value + 0)).toEqual([0, -0.5, 1, 3, 0, 1, 0]);
});
