import { DataType, dataTypeName } from "./data-type.ts";
import { ModelError } from "./errors.ts";
import { innerGraphs, topologicalOrder } from "./graph.ts";
import type { GraphProto, ModelProto, NodeProto, TensorProto } from "./proto.ts";
import { DataLocation } from "./proto.ts";
import { elementCount, dimsOf, rawByteLength } from "./tensor.ts";

/**
 * Checks what ONNX demands of a graph and what reading, rewriting and ONNX Runtime rely on: each tensor written once and before it is read,
 * no cycles, shapes and data of constants that agree. Tensors whose data lies in other files are checked without it.
 * @param name what stands for the model in error messages
 * @throws ModelError naming the first fault
 */
export function checkModel(model: ModelProto, name: string): void {
  for (const { domain, version } of model.opsetImport) {
    if (version < 1n || version > LARGEST_VERSION) {
      throw damaged(name, `it asks for version ${version} of the operator set "${domain === "" ? "ai.onnx" : domain}"`);
    }
  }
  if (model.graph !== undefined) checkGraph(model.graph, name, new Set());
}

/** TensorProto.DataType of texts (onnx.proto). */
const STRING_TYPE = 8;

/** Versions beyond this are no versions. */
const LARGEST_VERSION = 1_000_000n;

/** Graphs inside graphs; models have two or three, and work grows with the depth. */
const DEEPEST_NESTING = 16;

function checkGraph(graph: GraphProto, name: string, outer: ReadonlySet<string>, depth = 0): void {
  if (depth > DEEPEST_NESTING) throw damaged(name, `it has more than ${DEEPEST_NESTING} graphs inside each other`);
  for (const tensor of graph.initializer) checkTensor(tensor, name);
  const known = new Set(outer);
  const own = new Set<string>();
  const define = (tensor: string, what: string): void => {
    if (tensor === "") throw damaged(name, `${what} has no name`);
    if (own.has(tensor)) throw damaged(name, `tensor "${tensor}" is defined more than once`);
    own.add(tensor);
    known.add(tensor);
  };
  for (const input of graph.input) define(input.name, "an input");
  const initializers = new Set<string>();
  for (const tensor of [...graph.initializer, ...graph.sparseInitializer.flatMap((sparse) => sparse.values ?? [])]) {
    if (initializers.has(tensor.name)) throw damaged(name, `tensor "${tensor.name}" is defined more than once`);
    initializers.add(tensor.name);
    // An initializer may be an input too, whose default it then is.
    if (!own.has(tensor.name)) define(tensor.name, "an initializer");
  }
  for (const node of graph.node) {
    for (const output of node.output) {
      if (output !== "") define(output, "an output");
    }
  }
  for (const node of graph.node) checkNode(node, name, known, depth);
  for (const output of graph.output) {
    if (!known.has(output.name)) throw damaged(name, `nothing writes its output "${output.name}"`);
  }
  if (topologicalOrder(graph.node) === undefined) {
    throw new ModelError(`${name} is damaged, its graph has a cycle: export it again`, {
      code: "graph-cycle",
      context: { model: name },
    });
  }
}

function checkNode(node: NodeProto, name: string, known: ReadonlySet<string>, depth: number): void {
  if (node.opType === "") throw damaged(name, `node "${node.name}" names no operator`);
  const missing = node.input.find((input) => input !== "" && !known.has(input));
  if (missing !== undefined) {
    throw damaged(name, `node "${node.name}" (${node.opType}) reads tensor "${missing}", which nothing writes`);
  }
  const attributes = new Set<string>();
  for (const attribute of node.attribute) {
    if (attributes.has(attribute.name)) {
      throw damaged(name, `node "${node.name}" (${node.opType}) has attribute "${attribute.name}" twice`);
    }
    attributes.add(attribute.name);
    if (attribute.t !== undefined) checkTensor(attribute.t, name);
    for (const tensor of attribute.tensors) checkTensor(tensor, name);
  }
  // ONNX Runtime reads the statistics of training even where they have no name, and ends the whole process then.
  if (node.opType === "BatchNormalization" && node.output.length > 1 && node.output.includes("")) {
    throw damaged(name, `node "${node.name}" (BatchNormalization) leaves out some outputs of training`);
  }
  for (const inner of innerGraphs(node)) checkGraph(inner, name, known, depth + 1);
}

function checkTensor(tensor: TensorProto, name: string): void {
  const dims = tensor.dims;
  const count = elementCount(dimsOf(tensor));
  if (dims.some((dim) => dim < 0n) || !Number.isSafeInteger(count)) {
    throw damaged(name, `tensor "${tensor.name}" has the shape [${dims.join(", ")}]`);
  }
  if (tensor.dataLocation === DataLocation.EXTERNAL) return;
  if (tensor.rawData.length > 0) {
    const expected = rawByteLength(tensor);
    if (expected !== undefined && expected !== tensor.rawData.length) {
      throw damaged(
        name,
        `tensor "${tensor.name}" of shape [${dims.join(", ")}] and type ${dataTypeName(tensor.dataType)} holds ${tensor.rawData.length} bytes instead of ${expected}`,
      );
    }
    return;
  }
  const found = listedValues(tensor);
  if (found !== undefined && found !== count) {
    throw damaged(name, `tensor "${tensor.name}" of shape [${dims.join(", ")}] holds ${found} values`);
  }
}

/** How many values a tensor without raw data lists, by the field that its type is kept in (TensorProto of onnx.proto); undefined for packed types. */
function listedValues(tensor: TensorProto): number | undefined {
  switch (tensor.dataType) {
    case DataType.FLOAT:
      return tensor.floatData.length;
    case DataType.UINT8:
    case DataType.INT8:
    case DataType.UINT16:
    case DataType.INT16:
    case DataType.INT32:
    case DataType.BOOL:
    case DataType.FLOAT16:
    case DataType.BFLOAT16:
      return tensor.int32Data.length;
    case STRING_TYPE:
      return tensor.stringData.length;
    case DataType.INT64:
      return tensor.int64Data.length;
    case DataType.DOUBLE:
      return tensor.doubleData.length;
    case DataType.UINT32:
    case DataType.UINT64:
      return tensor.uint64Data.length;
    default:
      return undefined;
  }
}

function damaged(name: string, fault: string): ModelError {
  const oneLine = fault.replaceAll(/\s+/g, " ");
  return new ModelError(`${name} is damaged, ${oneLine}: copy or export it again`, {
    code: "model-damaged",
    context: { model: name },
  });
}
