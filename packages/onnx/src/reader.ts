import { readFile, stat } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { externalDataPaths, loadExternalData } from "./external-data.ts";
import { ModelProtoSchema, type ModelProto } from "./proto.ts";

/**
 * Reads an ONNX model file with its external data, wherever it is kept in the model's folder. Fields that this
 * version of ONNX does not know are kept.
 * @throws ModelError for a file that is missing, empty, truncated or no ONNX model.
 */
export async function readModel(path: string): Promise<ModelProto> {
  const model = await parseModelFile(path);
  await loadExternalData(model, path);
  return model;
}

/** Reads a model file without its external data; throws ModelError as `readModel` does. */
export async function parseModelFile(path: string): Promise<ModelProto> {
  return parseModel(await readBytes(path), path);
}

/** Size of a model on disk, the files of its external data included. */
export async function modelFileBytes(path: string): Promise<number> {
  const bytes = await readBytes(path);
  let total = bytes.length;
  for (const dataPath of externalDataPaths(parseModel(bytes, path), path)) total += (await stat(dataPath)).size;
  return total;
}

async function readBytes(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (error) {
    throw new ModelError(`cannot read model ${path}: check the path (${firstLineOf(error)})`, {
      code: "model-unreadable",
      context: { path },
      cause: error,
    });
  }
}

/** Parses the bytes of a model whose data is all inside; `name` stands for it in error messages. */
export function parseModel(bytes: Uint8Array, name: string): ModelProto {
  if (bytes.length === 0) {
    throw new ModelError(`${name} is empty: give an ONNX model file`, { code: "model-empty", context: { path: name } });
  }
  let model: ModelProto;
  try {
    model = fromBinary(ModelProtoSchema, bytes);
  } catch (error) {
    throw new ModelError(
      `${name} is not an ONNX model or is truncated: copy or export it again (${firstLineOf(error)})`,
      {
        code: "model-damaged",
        context: { path: name, bytes: bytes.length },
        cause: error,
      },
    );
  }
  if (model.graph === undefined || model.graph.node.length === 0 || model.opsetImport.length === 0) {
    throw new ModelError(`${name} is not an ONNX model or is truncated: it holds no graph, copy or export it again`, {
      code: "model-damaged",
      context: { path: name, bytes: bytes.length },
    });
  }
  return model;
}
