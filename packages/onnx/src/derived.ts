import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { moveToExternalData } from "./external-data.ts";
import { deriveModel, shallowCopy, type GraphChanges } from "./graph.ts";
import { ModelProtoSchema, type ModelProto, type TensorProto } from "./proto.ts";
import { openSession, type OpenSessionOptions, type Session } from "./session.ts";

/** Below this, a model goes to ONNX Runtime as bytes: a folder would cost more than it saves. */
const SMALLEST_SPILLED_BYTES = 1 << 20;

/** A model whose derived graphs can be opened as often as needed, without a copy of the weights for each. */
export interface DerivedModels extends AsyncDisposable {
  /** Opens the model with these changes. The weights are those at the time of `deriveModels`, unless `changes` replaces them. */
  open(changes: GraphChanges, options?: OpenSessionOptions): Promise<Session>;
}

/**
 * Puts the weights of a model once into a file in a temporary folder, from which ONNX Runtime maps them into memory: a session from
 * bytes holds two more copies of them while it opens, and cannot hold more than 2 GiB at all.
 * @throws ModelError when the folder for temporary files cannot be written
 */
export async function deriveModels(model: ModelProto): Promise<DerivedModels> {
  const weights = model.graph?.initializer ?? [];
  if (weights.reduce((bytes, tensor) => bytes + tensor.rawData.length, 0) < SMALLEST_SPILLED_BYTES) {
    return {
      open: (changes, options) => openSession(deriveModel(model, changes), options),
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const folder = await writeOrThrow(tmpdir(), () => mkdtemp(join(tmpdir(), "edgewatt-weights-")));
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  let spilled: ReadonlyMap<TensorProto, TensorProto>;
  try {
    spilled = await spill(model, weights, folder);
  } catch (error) {
    await remove();
    throw error;
  }
  let opened = 0;
  return {
    async open(changes, options = {}) {
      const initializer = (changes.initializer ?? weights).map((tensor) => spilled.get(tensor) ?? tensor);
      const path = join(folder, `graph-${opened++}.onnx`);
      const bytes = toBinary(ModelProtoSchema, deriveModel(model, { ...changes, initializer }));
      await writeOrThrow(folder, () => writeFile(path, bytes));
      try {
        return await openSession(path, { name: "the model", ...options });
      } finally {
        await rm(path, { force: true });
      }
    },
    [Symbol.asyncDispose]: remove,
  };
}

/** Writes the large tensors to a file; returns for each the tensor that refers to its place there. */
async function spill(
  model: ModelProto,
  weights: readonly TensorProto[],
  folder: string,
): Promise<ReadonlyMap<TensorProto, TensorProto>> {
  const copies = new Map(weights.map((tensor) => [tensor, shallowCopy(tensor, {})]));
  const copied = deriveModel(model, { initializer: [...copies.values()] });
  await writeOrThrow(folder, () => moveToExternalData(copied, join(folder, "weights"), "weights"));
  return copies;
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
