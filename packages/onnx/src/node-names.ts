import type { Graph } from "./graph.ts";

/** Reports and layers are known by the names of nodes, which ONNX leaves optional and does not demand to differ. */
export function nameNodes(graph: Graph): void {
  const taken = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === "") node.name = graph.uniqueName(`${node.opType}_${node.output[0] ?? ""}`);
    else if (taken.has(node.name)) node.name = graph.uniqueName(node.name);
    taken.add(node.name);
  }
}
