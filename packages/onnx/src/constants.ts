import { findAttribute } from "./attributes.ts";
import type { Graph } from "./graph.ts";
import type { NodeProto, TensorProto } from "./proto.ts";
import { makeTensor } from "./tensor.ts";

/** Turns Constant nodes into initializers, in place; those that hold strings or sparse data stay. Returns how many. */
export function liftConstants(graph: Graph): number {
  const lifted = new Map<NodeProto, TensorProto>();
  for (const node of graph.nodes) {
    const [name] = node.output;
    if (node.opType !== "Constant" || node.domain !== "" || name === undefined || graph.isOutput(name)) continue;
    const tensor = constantTensor(node, name);
    if (tensor === undefined) continue;
    lifted.set(node, tensor);
  }
  for (const tensor of lifted.values()) graph.addInitializer(tensor);
  graph.removeNodes(new Set(lifted.keys()));
  return lifted.size;
}

function constantTensor(node: NodeProto, name: string): TensorProto | undefined {
  const value = findAttribute(node, "value")?.t;
  if (value !== undefined) return Object.assign(value, { name });
  const float = findAttribute(node, "value_float");
  if (float !== undefined) return makeTensor(name, [], Float32Array.of(float.f));
  const floats = findAttribute(node, "value_floats");
  if (floats !== undefined) return makeTensor(name, [floats.floats.length], Float32Array.from(floats.floats));
  const int = findAttribute(node, "value_int");
  if (int !== undefined) return makeTensor(name, [], BigInt64Array.of(int.i));
  const ints = findAttribute(node, "value_ints");
  if (ints !== undefined) return makeTensor(name, [ints.ints.length], BigInt64Array.from(ints.ints));
  return undefined;
}
