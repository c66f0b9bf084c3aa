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
  readFloats,
  setAttribute,
  type ModelProto,
  type NodeProto,
} from "@edgewatt/onnx";

/**
 * Brings a float model, in place, into the form that the rules expect: constants as initializers, batch norms folded, Gemm with factors of
 * 1, a name on every node, topological order.
 */
export function prepareModel(model: ModelProto): Graph {
  const graph = new Graph(model);
  graph.sortTopologically();
  liftConstants(graph);
  for (const node of graph.nodes) {
    if (node.opType === "Gemm" && node.domain === "") normalizeGemm(graph, node);
  }
  foldChannelArithmetic(graph);
  foldBatchNorm(graph);
  for (const node of graph.nodes) {
    if (node.name === "") node.name = graph.uniqueName(`${node.opType}_${node.output[0] ?? ""}`);
  }
  return graph;
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
