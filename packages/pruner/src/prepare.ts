import {
  Graph,
  liftConstants,
  nameNodes,
  normalizeGemm,
  RAISED_OPSET,
  raiseOpset,
  removeIdentities,
  type ModelProto,
} from "@edgewatt/onnx";
import { PrunerError } from "./errors.ts";

/** Since this IR version initializers need not be listed among the inputs. */
const HIDDEN_INITIALIZERS = 4n;

/**
 * Brings a float model, in place, into the form that channels are followed through: constants as initializers, nodes that do nothing removed, the
 * operator set that measuring needs, Gemm with factors of 1, a name on every node, topological order. Batch norms stay.
 * @throws PrunerError where the operator set is too old and cannot be raised, or the model is quantized
 */
export function prepareModel(model: ModelProto, name: string): Graph {
  const graph = new Graph(model);
  if (graph.nodes.some(({ opType }) => opType === "QuantizeLinear" || opType === "DequantizeLinear")) {
    throw new PrunerError(`${name} is quantized already: prune the float model, then quantize that`, {
      code: "already-quantized",
      context: { path: name },
    });
  }
  graph.sortTopologically();
  liftConstants(graph);
  removeIdentities(graph);
  if (graph.opset < RAISED_OPSET) {
    const { refused } = raiseOpset(graph);
    if (graph.opset < RAISED_OPSET) {
      throw new PrunerError(
        `${name} uses opset ${graph.opset}, which cannot be raised (${refused ?? "its operators are unknown"}): export it again with opset ${RAISED_OPSET} or later`,
        { code: "opset-too-old", context: { path: name, opset: graph.opset, refused } },
      );
    }
  }
  if (model.irVersion < HIDDEN_INITIALIZERS) {
    graph.hideInitializers();
    model.irVersion = HIDDEN_INITIALIZERS;
  }
  for (const node of graph.nodes) normalizeGemm(graph, node);
  nameNodes(graph);
  return graph;
}
