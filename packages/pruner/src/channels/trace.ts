import type { Graph, NodeProto } from "@edgewatt/onnx";
import { ChannelFlow, nameOf } from "./flow.ts";
import { OPERATORS } from "./operators.ts";

/**
 * Follows the channels from each layer through the whole graph (the idea of dependency graphs: Fang et al., "DepGraph", CVPR 2023).
 * @param graph its nodes in topological order, each with a name
 * @param shapes of what its nodes compute, from `measureShapes`
 */
export function traceChannels(graph: Graph, shapes: ReadonlyMap<string, readonly number[]>): ChannelFlow {
  const flow = new ChannelFlow(graph, shapes);
  for (const node of graph.nodes) {
    follow(flow, node);
    for (const output of node.output) {
      const channels = flow.channels(output);
      if (channels === undefined) continue;
      if (graph.isOutput(output)) flow.labels.fix(channels.labels, `they are the model's output "${output}"`);
      if (graph.isReadInside(output)) flow.labels.fix(channels.labels, "a graph inside a node reads them");
    }
  }
  return flow;
}

function follow(flow: ChannelFlow, node: NodeProto): void {
  const rule = node.domain === "" || node.domain === "ai.onnx" ? OPERATORS.get(node.opType) : undefined;
  if (rule?.(flow, node) === true) return;
  flow.fixInputs(node, `${nameOf(node)} reads them, through which channels cannot be followed`);
}
