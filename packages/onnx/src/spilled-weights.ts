import { closeSync, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { moveToExternalData } from "./external-data.ts";
import { collectGarbage } from "./garbage.ts";
import { DataLocation, TensorProtoSchema, type ModelProto, type TensorProto } from "./proto.ts";
import { storedBytes } from "./tensor.ts";

/** Below this, weights stay in memory: a folder would cost more than it saves. */
const SMALLEST_SPILLED_BYTES = 1 << 20;
const WEIGHTS_FILE = "weights";
/** One read takes no more. */
const LARGEST_READ_BYTES = 2 ** 30;

/** Where the weights of a model lie, until this is disposed of. */
export interface SpilledWeights extends AsyncDisposable {
  /** Holds the file; undefined where the weights are too small to be worth one. Model files that refer to it must lie here. */
  readonly folder: string | undefined;
}

/** Of a tensor that reads its data from a file. */
interface Place {
  readonly folder: string;
  /** Stands for the tensor in a model file in that folder. */
  readonly reference: TensorProto;
}

const places = new WeakMap<TensorProto, Place>();

/**
 * Writes the large weights of a model into a file in a temporary folder, from where ONNX Runtime can map them. With `release` they also leave
 * memory, with the bytes of the model file that they were part of: the tensors then read the file whenever their `rawData` is asked for, and
 * the model is of no use any more once the result is disposed of.
 * @throws ModelError when the folder for temporary files cannot be written
 */
export async function spillWeights(model: ModelProto, { release }: { release: boolean }): Promise<SpilledWeights> {
  const weights = model.graph?.initializer ?? [];
  if (weights.reduce((bytes, tensor) => bytes + storedBytes(tensor), 0) < SMALLEST_SPILLED_BYTES)
    return { folder: undefined, [Symbol.asyncDispose]: () => Promise.resolve() };
  const folder = await writeOrThrow(tmpdir(), () => mkdtemp(join(tmpdir(), "edgewatt-weights-")));
  let file: number | undefined;
  const dispose = async (): Promise<void> => {
    if (file !== undefined) closeSync(file);
    for (const tensor of weights) {
      if (places.get(tensor)?.folder === folder) places.delete(tensor);
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    const path = join(folder, WEIGHTS_FILE);
    await writeWeights(model, folder, path);
    if (release) {
      file = openSync(path, "r");
      for (const tensor of weights) releaseData(tensor, file);
      collectGarbage();
    }
    return { folder, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await dispose();
    throw error;
  }
}

/** A function of its own, as what puts the bytes back holds them all. */
async function writeWeights(model: ModelProto, folder: string, path: string): Promise<void> {
  const restore = await writeOrThrow(folder, () => moveToExternalData(model, path, WEIGHTS_FILE));
  const moved = (model.graph?.initializer ?? []).filter((tensor) => tensor.dataLocation === DataLocation.EXTERNAL);
  const references = moved.map(copyReference);
  restore();
  for (const [index, tensor] of moved.entries())
    places.set(tensor, { folder, reference: references[index] as TensorProto });
}

/** The folder in which all large ones among the tensors lie already; undefined where they do not. */
export function folderOf(tensors: readonly TensorProto[]): string | undefined {
  const folders = new Set(tensors.filter((tensor) => places.has(tensor)).map((tensor) => places.get(tensor)?.folder));
  const inMemory = tensors.filter((tensor) => !places.has(tensor));
  const [folder] = folders;
  const bytes = inMemory.reduce((sum, tensor) => sum + storedBytes(tensor), 0);
  return folders.size === 1 && bytes < SMALLEST_SPILLED_BYTES ? folder : undefined;
}

/** What stands for a tensor in a model file in the folder of its spilled weights. */
export function referenceIn(folder: string, tensor: TensorProto): TensorProto {
  const place = places.get(tensor);
  return place?.folder === folder ? place.reference : tensor;
}

function copyReference({ name, dims, dataType, dataLocation, externalData }: TensorProto): TensorProto {
  return create(TensorProtoSchema, { name, dims, dataType, dataLocation, externalData });
}

function releaseData(tensor: TensorProto, file: number): void {
  const reference = places.get(tensor)?.reference;
  if (reference === undefined) {
    // A view would keep the whole model file.
    if (tensor.rawData.length > 0) tensor.rawData = new Uint8Array(tensor.rawData);
    return;
  }
  const fields = new Map(reference.externalData.map(({ key, value }) => [key, Number(value)]));
  const [offset, length] = [fields.get("offset") ?? 0, fields.get("length") ?? 0];
  let last: WeakRef<Uint8Array> | undefined;
  Object.defineProperty(tensor, "rawData", {
    configurable: true,
    enumerable: true,
    get() {
      const known = last?.deref();
      if (known !== undefined) return known;
      const data = readRange(file, offset, length, tensor.name);
      last = new WeakRef(data);
      return data;
    },
    set(data: Uint8Array) {
      places.delete(tensor);
      Object.defineProperty(tensor, "rawData", { configurable: true, enumerable: true, writable: true, value: data });
    },
  });
}

function readRange(file: number, offset: number, length: number, name: string): Uint8Array {
  const data = new Uint8Array(length);
  for (let done = 0; done < length;) {
    const read = readSync(file, data, done, Math.min(length - done, LARGEST_READ_BYTES), offset + done);
    if (read === 0) {
      throw new ModelError(
        `cannot read the weights "${name}" back from the temporary folder: do not clean it while edgewatt runs`,
        {
          code: "model-unreadable",
          context: { tensor: name },
        },
      );
    }
    done += read;
  }
  return data;
}

async function writeOrThrow<T>(folder: string, write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (error) {
    throw new ModelError(
      `cannot write the weights to ${folder}: check the free space, or name another folder by TMPDIR (${firstLineOf(error)})`,
      { code: "model-unwritable", context: { path: folder }, cause: error },
    );
  }
}
