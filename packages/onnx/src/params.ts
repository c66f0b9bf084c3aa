import { findAttribute } from "./attributes.ts";
import { Graph } from "./graph.ts";
import { DataType } from "./data-type.ts";
import type { ModelProto } from "./proto.ts";
import { dimsOf, elementCount } from "./tensor.ts";

/** Inputs of BatchNormalization that hold running statistics, which training updates but does not learn. */
const RUNNING_STATISTICS = [3, 4];

/**
 * Counts the learned parameters of a float model as it is in the file, before folding: weights, biases, batch-norm scale
 * and shift, in initializers and in Constant nodes. Running statistics, integer constants (shapes, axes) and scalars (bounds, epsilons) do not
 * count, a tensor used twice counts once.
 */
export function countParameters(model: ModelProto): number {
  const graph = new Graph(model);
  const constants = new Map(
    graph.nodes
      .filter((node) => node.opType === "Constant")
      .map((node) => [node.output[0] ?? "", findAttribute(node, "value")?.t]),
  );
  const tensorOf = (name: string) => graph.initializer(name) ?? constants.get(name);
  const statistics = new Set<string>();
  for (const node of graph.nodes) {
    if (node.opType !== "BatchNormalization") continue;
    for (const index of RUNNING_STATISTICS) statistics.add(node.input[index] ?? "");
  }
  const learned = new Set<string>();
  for (const node of graph.nodes) {
    for (const name of node.input) {
      if (!statistics.has(name)) learned.add(name);
    }
  }
  let count = 0;
  for (const name of learned) {
    const tensor = tensorOf(name);
    if (tensor !== undefined && tensor.dims.length > 0 && isLearnable(tensor.dataType))
      count += elementCount(dimsOf(tensor));
  }
  return count;
}

function isLearnable(dataType: number): boolean {
  return (
    dataType === DataType.FLOAT ||
    dataType === DataType.FLOAT16 ||
    dataType === DataType.DOUBLE ||
    dataType === DataType.BFLOAT16
  );
}
