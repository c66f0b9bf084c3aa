import { findAttribute, intAttribute } from "./attributes.ts";
import { Graph } from "./graph.ts";
import type { ModelProto, TensorProto } from "./proto.ts";
import { dimsOf } from "./tensor.ts";

/** Channels of a convolution. */
export interface ConvChannels {
  /** The node's name, or that of its output where it has none. */
  readonly layer: string;
  /** Channels that it reads, over all its groups. */
  readonly reads: number;
  readonly writes: number;
}

/** Place of the weights among the inputs of what convolves. */
const WEIGHTS: Readonly<Record<string, number>> = { Conv: 1, ConvInteger: 1, QLinearConv: 3 };

/** Every Conv of a model with constant weights, float or quantized, in the order of the file. */
export function convChannels(model: ModelProto): ConvChannels[] {
  const graph = new Graph(model);
  return graph.nodes.flatMap((node) => {
    const place = WEIGHTS[node.opType];
    const weights = place === undefined ? undefined : constantBehind(graph, node.input[place] ?? "");
    if (weights === undefined) return [];
    const [writes = 0, readsOfGroup = 0] = dimsOf(weights);
    const layer = node.name === "" ? (node.output[0] ?? "") : node.name;
    return [{ layer, reads: readsOfGroup * intAttribute(node, "group", 1), writes }];
  });
}

/** The constant that a tensor is, or that it is dequantized from. */
function constantBehind(graph: Graph, name: string): TensorProto | undefined {
  const stored = graph.initializer(name);
  if (stored !== undefined) return stored;
  const producer = graph.producer(name);
  if (producer?.opType === "Constant") return findAttribute(producer, "value")?.t;
  return producer?.opType === "DequantizeLinear" ? constantBehind(graph, producer.input[0] ?? "") : undefined;
}
