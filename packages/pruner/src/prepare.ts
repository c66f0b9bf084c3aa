import {
  DataType,
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

/** Operators that only quantized models have. */
const QUANTIZED =
  /^(?:(?:Dynamic)?QuantizeLinear|DequantizeLinear|QLinear.*|ConvInteger|MatMulInteger|QGemm|DynamicQuantize.*|MatMulNBits)$/;
const OTHER_FLOATS: ReadonlyMap<number, string> = new Map([
  [DataType.FLOAT16, "float16"],
  [DataType.BFLOAT16, "bfloat16"],
  [DataType.DOUBLE, "float64"],
]);

/**
 * Brings a float model, in place, into the form that channels are followed through: constants as initializers, nodes that do nothing removed, the
 * operator set that measuring needs, Gemm with factors of 1, a name on every node, topological order. Batch norms stay.
 * @throws PrunerError where the operator set is too old and cannot be raised, the model is quantized, or none of its layers computes in float32
 */
export function prepareModel(model: ModelProto, name: string): Graph {
  const graph = new Graph(model);
  const quantized = graph.nodes.find(({ opType }) => QUANTIZED.test(opType));
  if (quantized !== undefined) {
    throw new PrunerError(
      `${name} is quantized already, as its ${quantized.opType} shows: prune the float model, then quantize that`,
      { code: "already-quantized", context: { path: name, operator: quantized.opType } },
    );
  }
  graph.sortTopologically();
  liftConstants(graph);
  refuseOtherFloats(graph, name);
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

/** Layers of other float types are left as they are; a model of nothing else could only be left. */
function refuseOtherFloats(graph: Graph, name: string): void {
  const types = graph.nodes
    .filter(({ opType }) => opType === "Conv" || opType === "Gemm" || opType === "MatMul")
    .flatMap(({ input }) => graph.constant(input[1] ?? "")?.dataType ?? []);
  const other = types.map((type) => OTHER_FLOATS.get(type)).find((type) => type !== undefined);
  if (other === undefined || types.includes(DataType.FLOAT)) return;
  throw new PrunerError(`${name} computes in ${other}, which is not pruned: export it in float32`, {
    code: "not-float32",
    context: { path: name, type: other },
  });
}
