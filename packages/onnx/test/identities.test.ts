import { describe, expect, it } from "vitest";
import { Graph } from "../src/graph.ts";
import { removeIdentities } from "../src/identities.ts";
import { ModelBuilder } from "./build-model.ts";
import { differenceOf, inferOutputs, runModel } from "./run-model.ts";

type Body = (b: ModelBuilder, x: string) => string;

/** The operators left after removing, having checked that outputs and their names stay. */
async function cleaned(body: Body, opset = 13): Promise<string[]> {
  const build = () => {
    const b = new ModelBuilder({ opset });
    b.output(body(b, b.input("x", ["batch", 4])), []);
    return inferOutputs(b.build());
  };
  const before = await runModel(build(), { x: [2, 4] });
  const model = build();
  const graph = new Graph(model);
  removeIdentities(graph);
  expect(graph.outputNames).toEqual(new Graph(build()).outputNames);
  expect(differenceOf(before, await runModel(model, { x: [2, 4] }))).toBe(0);
  return graph.nodes.map((node) => node.opType);
}

const id = (b: ModelBuilder, x: string): string => b.node("Identity", [x]);

describe("removeIdentities", () => {
  it("removes a chain, before, between and after others", async () => {
    expect(await cleaned((b, x) => id(b, id(b, b.relu(id(b, b.node("Abs", [id(b, x)]))))))).toEqual(["Abs", "Relu"]);
  });

  it("lets two nodes share what was copied for one of them", async () => {
    const ops = await cleaned((b, x) => {
      const weight = b.weight([4, 4], -1, 1);
      return b.node("MatMul", [b.node("MatMul", [x, weight]), id(b, weight)]);
    });
    expect(ops).toEqual(["MatMul", "MatMul"]);
  });

  it("removes Dropout, in any operator set", async () => {
    expect(await cleaned((b, x) => b.relu(b.node("Dropout", [x], { ratio: 0.4 })), 7)).toEqual(["Relu"]);
    expect(await cleaned((b, x) => b.node("Dropout", [b.relu(x)]), 13)).toEqual(["Relu"]);
  });

  it("removes Dropout with a mask that nothing reads", async () => {
    const ops = await cleaned((b, x) => {
      b.nodes("Dropout", [x], ["dropped", "mask"], { ratio: 0.5 });
      return b.relu("dropped");
    }, 9);
    expect(ops).toEqual(["Relu"]);
  });

  it("keeps a Dropout whose mask is read", async () => {
    const ops = await cleaned((b, x) => {
      b.nodes("Dropout", [x], ["dropped", "mask"]);
      return b.node("Where", ["mask", "dropped", x]);
    });
    expect(ops).toEqual(["Dropout", "Where"]);
  });

  it("keeps one that joins the input to the output", async () => {
    expect(await cleaned((b, x) => id(b, x))).toEqual(["Identity"]);
  });

  it("keeps one that a graph inside another node reads", async () => {
    const ops = await cleaned((b, x) => {
      const copy = id(b, x);
      const condition = b.node("Less", [
        b.node("ReduceMin", [x], { keepdims: 0n }),
        b.constant([], Float32Array.of(0)),
      ]);
      return b.branch(
        condition,
        (inner) => inner.node("Neg", [copy]),
        (inner) => inner.relu(inner.relu(copy)),
        [2, 4],
      );
    });
    expect(ops).toContain("Identity");
  });
});
