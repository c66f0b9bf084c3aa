import { intAttribute } from "./attributes.ts";
import { DataType } from "./data-type.ts";
import type { Graph } from "./graph.ts";
import type { NodeProto } from "./proto.ts";

/** The input of Dropout that says, since opset 12, whether it trains. */
const TRAINING_INPUT = 2;

/**
 * Removes, in place, the nodes that give what they take: Identity, and Dropout outside training. The names of inputs and outputs stay, and so does a node
 * that joins one to the other, or whose tensors a graph inside another node reads. Returns how many were removed.
 */
export function removeIdentities(graph: Graph): number {
  let removed = 0;
  for (const node of graph.nodes) {
    if (node.domain !== "" || !(node.opType === "Identity" || isIdleDropout(graph, node))) continue;
    if (!bypass(graph, node)) continue;
    graph.removeNodes(new Set([node]));
    removed++;
  }
  graph.removeUnusedInitializers();
  return removed;
}

function bypass(graph: Graph, node: NodeProto): boolean {
  const [input = ""] = node.input;
  const [output = ""] = node.output;
  if (input === "" || output === "" || graph.isReadInside(output)) return false;
  if (!graph.isOutput(output)) {
    graph.redirect(output, input);
    return true;
  }
  // The producer takes over the name of the model's output, which every reader then uses.
  const producer = graph.producer(input);
  if (producer === undefined || graph.isOutput(input) || graph.isReadInside(input)) return false;
  producer.output = producer.output.map((name) => (name === input ? output : name));
  graph.redirect(input, output);
  return true;
}

function isIdleDropout(graph: Graph, node: NodeProto): boolean {
  if (node.opType !== "Dropout") return false;
  // Exporters name the mask even where nothing reads it.
  if (node.output.slice(1).some((mask) => graph.isOutput(mask) || graph.consumers(mask).length > 0)) return false;
  if (graph.opset < 7) return intAttribute(node, "is_test", 0) !== 0;
  const training = node.input[TRAINING_INPUT] ?? "";
  if (training === "") return true;
  const constant = graph.constant(training);
  return (
    constant?.dataType === DataType.BOOL && [...constant.rawData, ...constant.int32Data].every((value) => value === 0)
  );
}
