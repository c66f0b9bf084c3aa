import { open, realpath, type FileHandle } from "node:fs/promises";
import { dirname, isAbsolute, join, normalize, sep } from "node:path";
import { clearField, create } from "@bufbuild/protobuf";
import { firstLineOf, ModelError, throwIfCanceled } from "./errors.ts";
import { shallowCopy } from "./graph.ts";
import {
  DataLocation,
  StringStringEntryProtoSchema,
  TensorProtoSchema,
  type GraphProto,
  type ModelProto,
  type TensorProto,
} from "./proto.ts";
import { regularFileBytes } from "./regular-file.ts";
import { rawByteLength } from "./tensor.ts";

/** Offsets of tensors in an external file are multiples of this, so that runtimes can map them (ONNX external data format). */
const ALIGNMENT = 4096;

/** Tensors below this stay inside the model file, as shapes and constants are read before the data file is opened. */
const SMALLEST_EXTERNAL_BYTES = 1024;

/** One read of the file system ends at 2 GiB. */
const LARGEST_READ_BYTES = 2 ** 30;

interface DataFile {
  readonly handle: FileHandle;
  readonly size: number;
}

/**
 * Reads all tensors that a model keeps in other files into raw_data.
 * @throws ModelError when a location leads out of the model's folder (by a link, too), a file is missing, or a range lies outside its file.
 */
export async function loadExternalData(model: ModelProto, modelPath: string, signal?: AbortSignal): Promise<void> {
  const files = new Map<string, DataFile>();
  try {
    for (const tensor of externalTensors(model)) {
      throwIfCanceled(signal, `reading ${modelPath}`);
      const { location, offset, length } = placeOf(tensor, modelPath);
      let file = files.get(location);
      if (file === undefined) {
        file = await openData(location, tensor.name, modelPath);
        files.set(location, file);
      }
      const expected = rawByteLength(tensor);
      const bytes = length ?? expected ?? file.size - offset;
      if (expected !== undefined && expected !== bytes) {
        throw new ModelError(
          `external data of tensor "${tensor.name}" is ${bytes} bytes but its shape needs ${expected}: export ${modelPath} again`,
          { code: "external-data", context: { tensor: tensor.name, bytes, expected } },
        );
      }
      if (bytes < 0 || offset + bytes > file.size) {
        throw new ModelError(
          `external data of tensor "${tensor.name}" ends at byte ${offset + bytes} but ${location} has ${file.size}: copy the whole data file beside ${modelPath}`,
          { code: "external-data", context: { tensor: tensor.name, location, offset, bytes, size: file.size } },
        );
      }
      tensor.rawData = await readBytes(file, offset, bytes, { location, tensor: tensor.name, modelPath });
      clearField(tensor, TensorProtoSchema.field.dataLocation);
      tensor.externalData = [];
    }
  } finally {
    await Promise.all([...files.values()].map((file) => file.handle.close()));
  }
}

async function readBytes(
  file: DataFile,
  offset: number,
  bytes: number,
  names: { readonly location: string; readonly tensor: string; readonly modelPath: string },
): Promise<Uint8Array<ArrayBuffer>> {
  try {
    const data = new Uint8Array(bytes);
    for (let done = 0; done < bytes;) {
      const wanted = Math.min(bytes - done, LARGEST_READ_BYTES);
      const { bytesRead } = await file.handle.read(data, done, wanted, offset + done);
      if (bytesRead === 0) throw new RangeError(`it ended at byte ${offset + done}`);
      done += bytesRead;
    }
    return data;
  } catch (error) {
    throw new ModelError(
      `cannot read ${bytes} bytes of ${names.location} for tensor "${names.tensor}" of ${names.modelPath}: check the file and the free memory (${firstLineOf(error)})`,
      { code: "external-data", context: { ...names, offset, bytes }, cause: error },
    );
  }
}

/** The data files that a model's tensors lie in, as paths. */
export function externalDataPaths(model: ModelProto, modelPath: string): string[] {
  const paths = new Set<string>();
  for (const tensor of externalTensors(model)) paths.add(join(dirname(modelPath), placeOf(tensor, modelPath).location));
  return [...paths];
}

/**
 * Writes the data of the large ones among some tensors to `dataPath`; the tensors themselves do not change.
 * @param location the name that a model file will know the data by
 * @param durable return only once the data is on the disk
 * @returns for each tensor what stands for it in a model file: a reference to its data, or a small tensor itself
 */
export async function writeExternalData(
  tensors: readonly TensorProto[],
  { dataPath, location, durable }: { dataPath: string; location: string; durable: boolean },
): Promise<TensorProto[]> {
  const written: TensorProto[] = [];
  await using handle = await open(dataPath, "w");
  let offset = 0;
  for (const tensor of tensors) {
    const { rawData } = tensor;
    if (rawData.length < SMALLEST_EXTERNAL_BYTES) {
      written.push(tensor);
      continue;
    }
    const start = Math.ceil(offset / ALIGNMENT) * ALIGNMENT;
    // Not `write`: on a full disk that writes less than it was given and says nothing.
    await handle.writeFile(new Uint8Array(start - offset));
    await handle.writeFile(rawData);
    const externalData = [
      entry("location", location),
      entry("offset", String(start)),
      entry("length", String(rawData.length)),
    ];
    const reference = shallowCopy<TensorProto>(tensor, { dataLocation: DataLocation.EXTERNAL, externalData });
    clearField(reference, TensorProtoSchema.field.rawData);
    written.push(reference);
    offset = start + rawData.length;
  }
  if (durable) await handle.sync();
  return written;
}

function entry(key: string, value: string) {
  return create(StringStringEntryProtoSchema, { key, value });
}

function* externalTensors(model: ModelProto): Generator<TensorProto> {
  for (const tensor of model.graph === undefined ? [] : tensorsOf(model.graph)) {
    if (tensor.dataLocation === DataLocation.EXTERNAL) yield tensor;
  }
}

/** Initializers and constants of a graph and of the graphs inside its nodes. */
function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const attribute of node.attribute) {
      if (attribute.t !== undefined) yield attribute.t;
      if (attribute.g !== undefined) yield* tensorsOf(attribute.g);
      for (const inner of attribute.graphs) yield* tensorsOf(inner);
    }
  }
}

function placeOf(
  tensor: TensorProto,
  modelPath: string,
): { location: string; offset: number; length: number | undefined } {
  const fields = new Map(tensor.externalData.map((item) => [item.key, item.value]));
  const location = normalize(fields.get("location") ?? "");
  const offset = Number(fields.get("offset") ?? 0);
  const lengthText = fields.get("length");
  const length = lengthText === undefined ? undefined : Number(lengthText);
  if (location === "." || isAbsolute(location) || location === ".." || location.startsWith(`..${sep}`)) {
    throw new ModelError(
      `refused to read external data of tensor "${tensor.name}" from "${fields.get("location") ?? ""}": data files must lie in the folder of ${modelPath}`,
      { code: "external-data-path", context: { tensor: tensor.name, location } },
    );
  }
  if (!isByteCount(offset) || (length !== undefined && !isByteCount(length))) {
    throw new ModelError(
      `external data of tensor "${tensor.name}" has no valid offset and length: export ${modelPath} again`,
      {
        code: "external-data",
        context: { tensor: tensor.name, offset, length },
      },
    );
  }
  return { location, offset, length };
}

function isByteCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

/** Opens a data file that really lies in the model's folder, or in the folder of the file that a link of the model's name leads to. */
async function openData(location: string, tensor: string, modelPath: string): Promise<DataFile> {
  const path = join(dirname(modelPath), location);
  let found: string;
  try {
    found = await realpath(path);
    const folders = [await realpath(dirname(modelPath)), dirname(await realpath(modelPath))];
    if (folders.some((folder) => found.startsWith(folder.endsWith(sep) ? folder : `${folder}${sep}`))) {
      // Not before its kind is known, as opening a pipe waits for a writer.
      const size = await regularFileBytes(found);
      return { handle: await open(found, "r"), size };
    }
  } catch (error) {
    throw new ModelError(
      `cannot read ${path}, which holds tensor "${tensor}" of ${modelPath}: copy it beside the model (${firstLineOf(error)})`,
      { code: "external-data", context: { path, tensor }, cause: error },
    );
  }
  throw new ModelError(
    `refused to read external data of tensor "${tensor}" from ${path}, a link to ${found}: data files must lie in the folder of ${modelPath}`,
    { code: "external-data-path", context: { path, found, tensor } },
  );
}
