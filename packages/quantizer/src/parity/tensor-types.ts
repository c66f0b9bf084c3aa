import { DataType, inferTypes, type Graph, type NodeProto } from "@edgewatt/onnx";
import { QuantizerError } from "../errors.ts";

/** Operators whose output type an attribute or a default tells, not an input. */
const TYPED_BY_THEMSELVES = new Set([
  "Cast",
  "Constant",
  "ConstantOfShape",
  "If",
  "Loop",
  "RandomNormal",
  "RandomUniform",
]);
/** The input that hands its type on, where it is not the first. */
const TYPED_BY_INPUT: Readonly<Record<string, number>> = { OneHot: 2, Where: 1 };

/**
 * The tensors that the reference knows to be float32. It takes types from onnx.shape_inference, which knows ONNX's own operators only; the
 * types themselves come from ONNX Runtime here.
 * @throws QuantizerError for a float16 model
 */
export async function knownFloats(graph: Graph, name = "the model"): Promise<ReadonlySet<string>> {
  const written = graph.nodes.flatMap((node) => node.output).filter((output) => output !== "");
  const types = await inferTypes(graph, [...graph.inputNames, ...written], name);
  const known = knownTypes(graph);
  const half = [...types].find(([tensor, { type }]) => type === "float16" && known.has(tensor));
  if (half !== undefined) {
    throw new QuantizerError(`${name} computes in float16, which parity mode does not quantize: export it in float32`, {
      code: "float16-model",
      context: { tensor: half[0] },
    });
  }
  const initializers = (graph.model.graph?.initializer ?? []).filter((tensor) => tensor.dataType === DataType.FLOAT);
  return new Set([
    ...[...types].filter(([tensor, { type }]) => type === "float32" && known.has(tensor)).map(([tensor]) => tensor),
    ...initializers.map((tensor) => tensor.name),
  ]);
}

/** The tensors for which onnx.shape_inference finds a type, walking the nodes in their order. */
function knownTypes(graph: Graph): Set<string> {
  const proto = graph.model.graph;
  const declared = [...(proto?.input ?? []), ...(proto?.output ?? []), ...(proto?.valueInfo ?? [])];
  const known = new Set([
    ...declared.filter((value) => value.type !== undefined).map((value) => value.name),
    ...(proto?.initializer ?? []).map((tensor) => tensor.name),
  ]);
  for (const node of graph.nodes) {
    if (isTyped(node, known)) for (const output of node.output) known.add(output);
  }
  return known;
}

function isTyped(node: NodeProto, known: ReadonlySet<string>): boolean {
  if (node.domain !== "" && !node.domain.startsWith("ai.onnx")) return false;
  if (TYPED_BY_THEMSELVES.has(node.opType)) return true;
  return known.has(node.input[TYPED_BY_INPUT[node.opType] ?? 0] ?? "");
}
