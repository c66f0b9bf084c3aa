import { describe, expect, it } from "vitest";
import { ModelError } from "../src/errors.ts";
import { deriveModel, Graph, makeNode, makeOutput } from "../src/graph.ts";
import { serializeModel } from "../src/writer.ts";
import { buildSmallMobileNet, ModelBuilder } from "./build-model.ts";

describe("Graph", () => {
  it("knows who writes and who reads a tensor", () => {
    const b = new ModelBuilder();
    const x = b.input("x", [1, 4]);
    const left = b.relu(x);
    const sum = b.node("Add", [left, left]);
    b.output(sum, [1, 4]);
    const graph = new Graph(b.build());
    expect(graph.inputNames).toEqual(["x"]);
    expect(graph.outputNames).toEqual([sum]);
    expect(graph.producer(left)?.opType).toBe("Relu");
    expect(graph.soleConsumer(left)?.opType).toBe("Add");
    expect(graph.soleConsumer(sum)).toBeUndefined();
    expect(graph.opset).toBe(13);
  });

  it("sorts nodes by what they read, and refuses a cycle", () => {
    const model = buildSmallMobileNet();
    const order = new Graph(model).nodes.map((node) => node.name);
    const graph = new Graph(model);
    graph.setNodes(graph.nodes.toReversed());
    graph.sortTopologically();
    expect(graph.nodes.map((node) => node.name)).toEqual(order);

    graph.setNodes([makeNode("Add", "a", ["p", "image"], ["q"]), makeNode("Relu", "b", ["q"], ["p"])]);
    expect(() => graph.sortTopologically()).toThrow(ModelError);
  });

  it("gives a name only once", () => {
    const graph = new Graph(buildSmallMobileNet());
    expect(graph.uniqueName("image")).toBe("image_1");
    expect(graph.uniqueName("image")).toBe("image_2");
    expect(graph.uniqueName("fresh")).toBe("fresh");
  });

  it("sees what the graphs inside a node read", () => {
    const b = new ModelBuilder();
    const outer = b.relu(b.input("x", [1]));
    const condition = b.input("condition", []);
    const chosen = b.branch(
      condition,
      (inner) => inner.node("Exp", [outer]),
      (inner) => inner.relu(inner.relu(outer)),
      [1],
    );
    b.output(chosen, [1]);
    const graph = new Graph(b.build());
    expect(graph.consumers(outer).map((node) => node.opType)).toEqual(["If"]);
    expect(graph.consumers(condition).map((node) => node.opType)).toEqual(["If"]);
    expect(graph.uniqueName("Exp_1")).toBe("Exp_1_1");
  });
});

describe("deriveModel", () => {
  it("changes the copy only", () => {
    const model = buildSmallMobileNet();
    const before = serializeModel(model);
    const derived = deriveModel(model, { node: [], output: [makeOutput("other")] });
    expect(derived.graph?.output[0]?.name).toBe("other");
    expect(derived.irVersion).toBe(model.irVersion);
    expect(serializeModel(model)).toEqual(before);
  });
});
