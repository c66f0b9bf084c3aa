import { readFile } from "node:fs/promises";
import { fromBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { checkModel } from "./check.ts";
import { externalDataPaths, loadExternalData } from "./external-data.ts";
import { ModelProtoSchema, type ModelProto } from "./proto.ts";
import { regularFileBytes } from "./regular-file.ts";

/**
 * Reads an ONNX model file with its external data, wherever it is kept in the model's folder. Fields that this
 * version of ONNX does not know are kept.
 * @throws ModelError for a file that is missing, empty, truncated or no ONNX model, or whose graph contradicts itself
 * @throws CanceledError on abort, between two tensors of external data
 */
export async function readModel(path: string, signal?: AbortSignal): Promise<ModelProto> {
  const model = await parseModelFile(path);
  await loadExternalData(model, path, signal);
  return model;
}

/** Reads a model file without its external data; throws ModelError as `readModel` does. */
export async function parseModelFile(path: string): Promise<ModelProto> {
  return parseModel(await readBytes(path), path);
}

export interface ModelFile {
  readonly path: string;
  readonly bytes: number;
}

/** A model file that is parsed, while its external data is not read yet. */
export interface ModelOnDisk {
  /** The files that the model consists of: its own first, then those of its external data. */
  readonly files: readonly ModelFile[];
  /** As `readModel`. To be asked once, as it is the same model each time. */
  read(signal?: AbortSignal): Promise<ModelProto>;
}

/** Throws ModelError as `readModel` does, and where a file of external data is missing. */
export async function findModel(path: string): Promise<ModelOnDisk> {
  const model = await parseModelFile(path);
  const paths = [path, ...externalDataPaths(model, path)];
  return {
    files: await Promise.all(paths.map(async (file) => ({ path: file, bytes: await sizeOf(file) }))),
    async read(signal) {
      await loadExternalData(model, path, signal);
      return model;
    },
  };
}

/** The files beside its own that a model keeps weights in, whether they are there or not. */
export async function externalFiles(path: string): Promise<string[]> {
  return externalDataPaths(await parseModelFile(path), path);
}

/** Size of a model on disk, the files of its external data included. */
export async function modelFileBytes(path: string): Promise<number> {
  const { files } = await findModel(path);
  return files.reduce((sum, { bytes }) => sum + bytes, 0);
}

async function readBytes(path: string): Promise<Uint8Array> {
  await sizeOf(path);
  try {
    return await readFile(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

async function sizeOf(path: string): Promise<number> {
  try {
    return await regularFileBytes(path);
  } catch (error) {
    throw unreadable(path, error);
  }
}

function unreadable(path: string, cause: unknown): ModelError {
  return new ModelError(`cannot read model ${path}: check the path (${firstLineOf(cause)})`, {
    code: "model-unreadable",
    context: { path },
    cause,
  });
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
  checkModel(model, name);
  return model;
}
