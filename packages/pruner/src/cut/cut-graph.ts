import { copyGraph, dimsOf, readFloats, setAttribute, type Graph, type NodeProto } from "@edgewatt/onnx";
import type { ChannelFlow, ConstantUse, CountUse } from "../channels/flow.ts";
import { setConstant } from "./set-constant.ts";
import { takeAlong } from "./take.ts";

/** A graph without some channels, and which of its nodes stands for which of the original. */
export interface CutGraph {
  readonly graph: Graph;
  nodeFor(node: NodeProto): NodeProto;
}

/** Which of a list of channels stay. */
export type KeptPlaces = (labels: readonly number[]) => number[];

/**
 * Copies a graph without the channels that go; the original is left as it is.
 * @param weights what dense layers compute with in place of their own weights, before channels are taken out of it
 */
export function cutGraph(flow: ChannelFlow, kept: KeptPlaces, weights: ReadonlyMap<NodeProto, Float32Array>): CutGraph {
  const graph = copyGraph(flow.graph);
  const nodes = new Map(flow.graph.nodes.map((node, index) => [node, graph.nodes[index] as NodeProto]));
  const nodeFor = (node: NodeProto): NodeProto => nodes.get(node) as NodeProto;
  for (const uses of byInput(flow.constants)) cutConstant(flow, graph, nodeFor, uses, kept, weights);
  for (const count of flow.counts) cutCount(flow, graph, nodeFor(count.node), count, kept);
  // Shapes that the file declares inside are those of the original.
  if (graph.model.graph !== undefined) graph.model.graph.valueInfo = [];
  graph.removeUnusedInitializers();
  return { graph, nodeFor };
}

/** The uses of each constant by a node: weights are cut along two sides. */
function byInput(uses: readonly ConstantUse[]): ConstantUse[][] {
  const lists: ConstantUse[][] = [];
  const found = new Map<NodeProto, Map<number, ConstantUse[]>>();
  for (const use of uses) {
    const inputs = found.get(use.node) ?? new Map<number, ConstantUse[]>();
    found.set(use.node, inputs);
    const known = inputs.get(use.input);
    if (known !== undefined) {
      known.push(use);
      continue;
    }
    const list = [use];
    inputs.set(use.input, list);
    lists.push(list);
  }
  return lists;
}

function cutConstant(
  flow: ChannelFlow,
  graph: Graph,
  nodeFor: CutGraph["nodeFor"],
  uses: readonly ConstantUse[],
  kept: KeptPlaces,
  weights: ReadonlyMap<NodeProto, Float32Array>,
): void {
  const [{ node, input }] = uses as [ConstantUse];
  const tensor = flow.graph.constant(node.input[input] ?? "");
  const replaced = input === 1 ? weights.get(node) : undefined;
  if (
    tensor === undefined ||
    (replaced === undefined && uses.every(({ labels }) => kept(labels).length === labels.length))
  )
    return;
  let [dims, values] = [dimsOf(tensor), replaced ?? readFloats(tensor)];
  for (const { axis, labels } of uses) ({ dims, values } = takeAlong(values, dims, axis, kept(labels)));
  setConstant(graph, nodeFor(node), input, dims, values);
}

function cutCount(flow: ChannelFlow, graph: Graph, node: NodeProto, count: CountUse, kept: KeptPlaces): void {
  // Attributes are shared with the original's node.
  node.attribute = [...node.attribute];
  switch (count.kind) {
    case "groups":
      setAttribute(node, "group", BigInt(kept(count.labels).length));
      break;
    case "split": {
      if (count.parts.every((part) => kept(part).length === part.length)) break;
      const sizes = count.parts.map((part) => BigInt(kept(part).length));
      setConstant(graph, node, 1, [sizes.length], BigInt64Array.from(sizes));
      // The number of equal parts, since opset 18, excludes sizes.
      node.attribute = node.attribute.filter(({ name }) => name !== "num_outputs");
      break;
    }
    case "shape": {
      if (kept(count.labels).length === count.labels.length) break;
      const shape = [...(flow.integers(count.node.input[count.input] ?? "") ?? [])];
      shape[count.position] = kept(count.labels).length;
      setConstant(graph, node, count.input, [shape.length], BigInt64Array.from(shape, BigInt));
      break;
    }
  }
}
