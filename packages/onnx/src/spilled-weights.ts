import { closeSync, openSync, readSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { firstLineOf, ModelError } from "./errors.ts";
import { writeExternalData } from "./external-data.ts";
import { collectGarbage } from "./garbage.ts";
import type { ModelProto, TensorProto } from "./proto.ts";
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
  /** What stands for a tensor in a model file in that folder; the tensor itself where its data is not in the file. */
  reference(tensor: TensorProto): TensorProto;
}

/** For tensors that read their data from a file: whose. */
const released = new WeakMap<TensorProto, SpilledWeights>();

/**
 * Writes the large weights of a model into a file in a temporary folder, from where ONNX Runtime can map them. With `release` they also leave
 * memory, with the bytes of the model file that they were part of: the tensors then read the file whenever their `rawData` is asked for, and
 * the model is of no use any more once the result is disposed of.
 * @throws ModelError when the folder for temporary files cannot be written
 */
export async function spillWeights(model: ModelProto, { release }: { release: boolean }): Promise<SpilledWeights> {
  const weights = model.graph?.initializer ?? [];
  if (weights.reduce((bytes, tensor) => bytes + storedBytes(tensor), 0) < SMALLEST_SPILLED_BYTES)
    return { folder: undefined, reference: (tensor) => tensor, [Symbol.asyncDispose]: () => Promise.resolve() };
  const folder = await writeOrThrow(tmpdir(), () => mkdtemp(join(tmpdir(), "edgewatt-weights-")));
  const references = new Map<TensorProto, TensorProto>();
  let file: number | undefined;
  const spilled: SpilledWeights = {
    folder,
    reference: (tensor) => references.get(tensor) ?? tensor,
    async [Symbol.asyncDispose]() {
      if (file !== undefined) closeSync(file);
      for (const tensor of references.keys()) {
        if (released.get(tensor) === spilled) released.delete(tensor);
      }
      await rm(folder, { recursive: true, force: true });
    },
  };
  try {
    const dataPath = join(folder, WEIGHTS_FILE);
    const written = await writeOrThrow(folder, () =>
      // Nobody reads it after this process, so that it may get to the disk late or never.
      writeExternalData(weights, { dataPath, location: WEIGHTS_FILE, durable: false }),
    );
    for (const [index, tensor] of weights.entries()) {
      const reference = written[index];
      if (reference !== undefined && reference !== tensor) references.set(tensor, reference);
    }
    if (release) {
      file = openSync(dataPath, "r");
      for (const tensor of weights) releaseData(tensor, file, references, spilled);
      collectGarbage();
    }
    return spilled;
  } catch (error) {
    await spilled[Symbol.asyncDispose]();
    throw error;
  }
}

/** Where all large ones among the tensors lie already; undefined where they do not lie in one file. */
export function spilledWeightsOf(tensors: readonly TensorProto[]): SpilledWeights | undefined {
  const found = new Set<SpilledWeights>();
  let bytesInMemory = 0;
  for (const tensor of tensors) {
    const spilled = released.get(tensor);
    if (spilled === undefined) bytesInMemory += storedBytes(tensor);
    else found.add(spilled);
  }
  return found.size === 1 && bytesInMemory < SMALLEST_SPILLED_BYTES ? [...found][0] : undefined;
}

function releaseData(
  tensor: TensorProto,
  file: number,
  references: Map<TensorProto, TensorProto>,
  spilled: SpilledWeights,
): void {
  const reference = references.get(tensor);
  if (reference === undefined) {
    // A view would keep the whole model file.
    if (tensor.rawData.length > 0) tensor.rawData = new Uint8Array(tensor.rawData);
    return;
  }
  const fields = new Map(reference.externalData.map(({ key, value }) => [key, Number(value)]));
  const [offset, length] = [fields.get("offset") ?? 0, fields.get("length") ?? 0];
  let last: WeakRef<Uint8Array> | undefined;
  released.set(tensor, spilled);
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
      references.delete(tensor);
      released.delete(tensor);
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
