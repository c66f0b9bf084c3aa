import { deriveModel, deriveNode, Graph } from "./graph.ts";
import type { ModelProto, NodeProto } from "./proto.ts";

/** A graph whose nodes and initializers can be exchanged without touching the original's; tensors are shared, so never written to. */
export function copyGraph(graph: Graph): Graph {
  const nodes = graph.nodes.map((node) => deriveNode(node, { input: [...node.input], output: [...node.output] }));
  return new Graph(deriveModel(graph.model, { node: nodes, initializer: [...(graph.model.graph?.initializer ?? [])] }));
}

/** The nodes that some tensors depend on, in file order; all nodes where one holds a graph of its own, which may read any name. */
function nodesBefore(graph: Graph, tensors: readonly string[]): readonly NodeProto[] {
  if (graph.nodes.some((node) => node.attribute.some(({ g, graphs }) => g !== undefined || graphs.length > 0)))
    return graph.nodes;
  const needed = new Set<NodeProto>();
  const open = tensors.map((name) => graph.producer(name));
  while (open.length > 0) {
    const node = open.pop();
    if (node === undefined || needed.has(node)) continue;
    needed.add(node);
    open.push(...node.input.map((name) => graph.producer(name)));
  }
  return graph.nodes.filter((node) => needed.has(node));
}

/** A model that computes only some tensors of another, whose weights it shares. */
export function subModel(
  graph: Graph,
  tensors: readonly string[],
  output: NonNullable<ModelProto["graph"]>["output"],
  extra: {
    readonly nodes: readonly NodeProto[];
    readonly initializers: NonNullable<ModelProto["graph"]>["initializer"];
  } = { nodes: [], initializers: [] },
): ModelProto {
  const model = deriveModel(graph.model, {
    node: [...nodesBefore(graph, tensors), ...extra.nodes],
    initializer: [...(graph.model.graph?.initializer ?? []), ...extra.initializers],
    output,
  });
  if (model.graph !== undefined) model.graph.valueInfo = [];
  new Graph(model).removeUnusedInitializers();
  return model;
}
