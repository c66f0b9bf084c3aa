import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { DataType, Graph, inferTypes, openSession, readModel, type ModelProto } from "@edgewatt/onnx";
import { TypeProto_TensorSchema, TypeProtoSchema, ValueInfoProtoSchema } from "onnx-buf";
import { QuantizerError } from "../errors.ts";

/** Up to this operator set the reference converts the model to the next one before it goes on. */
const CONVERTED_OPSET = 10;

/**
 * What the reference's `quant_pre_process` makes of a model, apart from the shapes that it notes down beside the types: the graph as ONNX Runtime's basic
 * optimizations leave it, batch norms folded and constants computed. It is equal where the inputs have fixed sides, or nothing computes
 * with sides; else the reference's symbolic shape inference may let ONNX Runtime compute more of them beforehand, or fail.
 * @param model a path, or a model in memory
 * @throws QuantizerError for operator sets that the reference would convert; ModelError where ONNX Runtime refuses the model
 */
export async function preprocessAsReference(model: string | ModelProto, name = nameOf(model)): Promise<ModelProto> {
  const folder = await mkdtemp(join(tmpdir(), "edgewatt-parity-"));
  try {
    const optimizedModelPath = join(folder, "optimized.onnx");
    const session = await openSession(model, { optimization: "basic", optimizedModelPath, name });
    await session.close();
    const optimized = await readModel(optimizedModelPath);
    checkOpset(optimized, name);
    await declareFloats(optimized, name);
    return optimized;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/**
 * The reference's symbolic shape inference knows ONNX Runtime's own operators, and notes down the types of what they write: without it such
 * tensors stay in float. It fails on operators that it does not know, so that all types are known where it does not.
 */
async function declareFloats(model: ModelProto, name: string): Promise<void> {
  const graph = new Graph(model);
  const types = await inferTypes(
    graph,
    graph.nodes.flatMap((node) => node.output).filter((output) => output !== ""),
    name,
  );
  const value = create(TypeProto_TensorSchema, { elemType: DataType.FLOAT });
  const type = create(TypeProtoSchema, { value: { case: "tensorType", value } });
  const floats = [...types]
    .filter(([, tensor]) => tensor.type === "float32")
    .map(([tensor]) => create(ValueInfoProtoSchema, { name: tensor, type }));
  if (model.graph !== undefined) model.graph.valueInfo = floats;
}

function nameOf(model: string | ModelProto): string {
  return typeof model === "string" ? model : "the model";
}

function checkOpset(model: ModelProto, name: string): void {
  const opset = Number(model.opsetImport.find(({ domain }) => domain === "" || domain === "ai.onnx")?.version ?? 1n);
  if (opset > CONVERTED_OPSET) return;
  throw new QuantizerError(
    `${name} uses opset ${opset}, which the reference's pre-processing converts to ${CONVERTED_OPSET + 1}: export it again with opset 13`,
    { code: "opset-too-old", context: { path: name, opset } },
  );
}
