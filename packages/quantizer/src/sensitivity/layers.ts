import { countParameters, dimsOf, elementCount, type Graph, type NodeProto } from "@edgewatt/onnx";
import type { Plan } from "../int8/plan.ts";

/** Operators with learned weights, which are what a network's layers are counted by. */
const LAYER_OPERATORS = new Set(["Conv", "ConvTranspose", "Gemm", "MatMul"]);

/** A node with constant weights. */
export interface Layer {
  readonly node: NodeProto;
  /** Weights and biases after batch norms were folded. */
  readonly params: number;
  /** Share of the model's parameters in percent; tensors that layers share count in each of them. */
  readonly weightsPct: number;
  /** Why it stays in float; null where it can be quantized. */
  readonly reason: string | null;
}

/** The layers of a prepared graph, in the order in which they run. */
export function layersOf(graph: Graph, plan: Plan): Layer[] {
  const all = countParameters(graph.model);
  const reasons = new Map(plan.float.map(({ name, reason }) => [name, reason]));
  return graph.nodes
    .filter((node) => isLayer(graph, node))
    .map((node) => {
      const params = parametersOf(graph, node);
      const reason = plan.weights.has(node) ? null : (reasons.get(node.name) ?? "its weights are not quantized");
      return { node, params, weightsPct: all === 0 ? 0 : (100 * params) / all, reason };
    });
}

/** Whether a node has learned weights as its second input. */
export function isLayer(graph: Graph, node: NodeProto): boolean {
  return node.domain === "" && LAYER_OPERATORS.has(node.opType) && graph.constant(node.input[1] ?? "") !== undefined;
}

function parametersOf(graph: Graph, node: NodeProto): number {
  const tensors = node.input.slice(1).map((name) => graph.constant(name));
  return tensors.reduce((sum, tensor) => sum + (tensor === undefined ? 0 : elementCount(dimsOf(tensor))), 0);
}

/**
 * The part of a plan that quantizes one layer: its weights and bias, its input, and its output where that is rounded in the whole int8
 * model too, with the Relu or Clip that disappears into it there.
 */
export function planAlone(graph: Graph, plan: Plan, layer: NodeProto): Plan {
  const written = plan.outputs.get(layer);
  const output = written ?? layer.output[0] ?? "";
  const absorbed = new Set<NodeProto>();
  for (let node = graph.producer(output); node !== undefined && node !== layer;) {
    absorbed.add(node);
    node = graph.producer(node.input[0] ?? "");
  }
  const only = <K, V>(map: ReadonlyMap<K, V>, ...keys: readonly K[]): Map<K, V> =>
    new Map([...map].filter(([key]) => keys.includes(key)));
  return {
    tensors: only(plan.tensors, layer.input[0] ?? "", output),
    weights: only(plan.weights, layer),
    constants: only(plan.constants, layer),
    outputs: only(plan.outputs, layer),
    absorbed,
    rewrites: only(plan.rewrites, layer),
    guarded: new Set(),
    quantized: [layer],
    float: [],
  };
}
