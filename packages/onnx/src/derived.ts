import { randomUUID } from "node:crypto";
import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { deriveModel, type GraphChanges } from "./graph.ts";
import { ModelProtoSchema, type ModelProto } from "./proto.ts";
import { openSession, type OpenSessionOptions, type Session } from "./session.ts";
import { spilledWeightsOf, spillWeights } from "./spilled-weights.ts";

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
  const known = spilledWeightsOf(weights);
  const spilled = known ?? (await spillWeights(model, { release: false }));
  const { folder } = spilled;
  const dispose = async (): Promise<void> => (known === undefined ? spilled[Symbol.asyncDispose]() : undefined);
  if (folder === undefined)
    return {
      open: (changes, options) => openSession(deriveModel(model, changes), options),
      [Symbol.asyncDispose]: dispose,
    };
  return {
    async open(changes, options = {}) {
      const initializer = (changes.initializer ?? weights).map((tensor) => spilled.reference(tensor));
      const path = join(folder, `${randomUUID()}.onnx`);
      const bytes = toBinary(ModelProtoSchema, deriveModel(model, { ...changes, initializer }));
      try {
        await write(path, bytes);
        return await openSession(path, { name: "the model", ...options });
      } finally {
        await rm(path, { force: true });
      }
    },
    [Symbol.asyncDispose]: dispose,
  };
}

async function write(path: string, bytes: Uint8Array): Promise<void> {
  try {
    await writeFile(path, bytes);
  } catch (error) {
    throw new ModelError(
      `cannot write ${path}: check the free space, or name another folder by TMPDIR (${firstLineOf(error)})`,
      { code: "model-unwritable", context: { path }, cause: error },
    );
  }
}
