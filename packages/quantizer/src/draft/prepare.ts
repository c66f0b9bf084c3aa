import {
  DataType,
  dimsOf,
  elementCount,
  floatAttribute,
  foldBatchNorm,
  foldChannelArithmetic,
  Graph,
  liftConstants,
  makeTensor,
  raiseOpset,
  RAISED_OPSET,
  readFloats,
  removeIdentities,
  setAttribute,
  type ModelProto,
  type NodeProto,
  type OpsetRaise,
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
  for (const node of graph.nodes) {
    if (node.opType === "Gemm" && node.domain === "") normalizeGemm(graph, node);
  }
  foldChannelArithmetic(graph);
  foldBatchNorm(graph);
  nameNodes(graph);
  return graph;
}

/** Reports and layers are known by the names of nodes, which ONNX leaves optional and does not demand to differ. */
function nameNodes(graph: Graph): void {
  const taken = new Set<string>();
  for (const node of graph.nodes) {
    if (node.name === "") node.name = graph.uniqueName(`${node.opType}_${node.output[0] ?? ""}`);
    else if (taken.has(node.name)) node.name = graph.uniqueName(node.name);
    taken.add(node.name);
  }
}

/** Moves alpha and beta into constant weights and bias, as QGemm has no beta (quantized Gemm of com.microsoft). */
function normalizeGemm(graph: Graph, gemm: NodeProto): void {
  for (const [attribute, index] of [
    ["alpha", 1],
    ["beta", 2],
  ] as const) {
    const factor = floatAttribute(gemm, attribute, 1);
    const name = gemm.input[index] ?? "";
    const tensor = graph.constant(name);
    if (factor === 1 || tensor?.dataType !== DataType.FLOAT) continue;
    const scaled = graph.uniqueName(`${name}_${attribute}`);
    graph.addInitializer(
      makeTensor(
        scaled,
        dimsOf(tensor),
        readFloats(tensor).map((value) => value * factor),
      ),
    );
    gemm.input[index] = scaled;
    setAttribute(gemm, attribute, 1);
    graph.changed();
  }
  const bias = graph.constant(gemm.input[2] ?? "");
  // QGemm takes a bias of shape [N]; exporters also write [1, N].
  if (bias?.dataType === DataType.FLOAT && dimsOf(bias).length === 2 && dimsOf(bias)[0] === 1) {
    const flat = graph.uniqueName(`${bias.name}_flat`);
    graph.addInitializer(makeTensor(flat, [elementCount(dimsOf(bias))], readFloats(bias)));
    gemm.input[2] = flat;
    graph.changed();
  }
  graph.removeUnusedInitializers();
}
