import {
  foldBatchNorm,
  foldChannelArithmetic,
  Graph,
  liftConstants,
  type ModelProto,
  nameNodes,
  normalizeGemm,
  type OpsetRaise,
  RAISED_OPSET,
  raiseOpset,
  removeIdentities,
} from "@edgewatt/onnx";

/** QuantizeLinear and DequantizeLinear exist since this operator set. */
export const QDQ_OPSET = 10;

export interface PrepareOptions {
  /** Raise the operator set to one that has scales per channel; by default yes. Older ones than have any are always raised. */
  readonly perChannel?: boolean;
  /** Told whenever the operator set was raised, or could not be: then the graph has its old one. */
  readonly onOpset?: (raise: OpsetRaise) => void;
}

/**
 * Brings a float model, in place, into the form that the rules expect: constants as initializers, nodes that do nothing removed, the operator set
 * raised where that is needed, batch norms folded, Gemm with factors of 1, a name of its own on every node, topological order. The outputs stay the same.
 * @throws ModelError on a graph with a cycle
 */
export function prepareModel(model: ModelProto, options: PrepareOptions = {}): Graph {
  const graph = new Graph(model);
  graph.sortTopologically();
  liftConstants(graph);
  removeIdentities(graph);
  if (graph.opset < (options.perChannel === false ? QDQ_OPSET : RAISED_OPSET)) {
    const raise = raiseOpset(graph);
    options.onOpset?.(raise);
  }
  for (const node of graph.nodes) normalizeGemm(graph, node);
  foldChannelArithmetic(graph);
  foldBatchNorm(graph);
  nameNodes(graph);
  return graph;
}
