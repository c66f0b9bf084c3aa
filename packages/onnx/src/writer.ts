import { randomUUID } from "node:crypto";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { writeExternalData } from "./external-data.ts";
import { deriveModel } from "./graph.ts";
import { ModelProtoSchema, type ModelProto } from "./proto.ts";

/** A protobuf message ends at 2 GiB; some room is left for the graph itself. */
export const LARGEST_INLINE_BYTES = 1.8e9;

export interface WriteModelOptions {
  /** Put large initializers into `<path>.data` beside the model; by default only where one file cannot hold them. */
  readonly externalData?: boolean;
  /** What one file can hold, in bytes; for files of less than what a protobuf message can. */
  readonly inlineLimitBytes?: number;
}

/** A model that is written completely, in a folder of its own beside its place, and can be loaded there by `path`. */
export interface StagedModel extends AsyncDisposable {
  readonly path: string;
  /** Bytes written, external data included. */
  readonly bytes: number;
  /** Moves it to its place, over what is there. Throws ModelError when that is not possible. */
  commit(): Promise<void>;
}

/** The bytes of a model; throws ModelError where they would exceed what one protobuf message holds. */
export function serializeModel(model: ModelProto): Uint8Array {
  const size = dataBytes(model);
  if (size > LARGEST_INLINE_BYTES) {
    throw new ModelError(
      `cannot hold a model of ${Math.round(size / 1e6)} MB in one message: write it with external data`,
      {
        code: "model-too-large",
        context: { bytes: size },
      },
    );
  }
  return toBinary(ModelProtoSchema, model);
}

/**
 * Writes a model aside and renames it over `path`, so that no half-written file is ever seen there.
 * @returns the bytes written, external data included
 * @throws ModelError when the folder cannot be written
 */
export async function writeModel(model: ModelProto, path: string, options: WriteModelOptions = {}): Promise<number> {
  await using staged = await stageModel(model, path, options);
  await staged.commit();
  return staged.bytes;
}

/**
 * Writes a model, with its external data where it needs or shall have some, so that it can be checked before it takes its place at `path`. Disposing
 * of it removes what was not committed.
 * @throws ModelError when the folder cannot be written
 */
export async function stageModel(
  model: ModelProto,
  path: string,
  options: WriteModelOptions = {},
): Promise<StagedModel> {
  const folder = `${path}.${randomUUID()}.tmp`;
  // The final names, as the model names its data file.
  const staged = join(folder, basename(path));
  const data = options.externalData ?? dataBytes(model) > (options.inlineLimitBytes ?? LARGEST_INLINE_BYTES);
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true });
  try {
    await mkdir(folder);
    const bytes = data ? await writeBoth(model, staged) : await writeSynced(staged, toBinary(ModelProtoSchema, model));
    return {
      path: staged,
      bytes,
      async commit() {
        try {
          // First the data, as a model without it would be worse than data without a model.
          if (data) await rename(`${staged}.data`, `${path}.data`);
          await rename(staged, path);
        } catch (error) {
          throw unwritable(path, error);
        }
      },
      [Symbol.asyncDispose]: remove,
    };
  } catch (error) {
    await remove();
    throw unwritable(path, error);
  }
}

async function writeBoth(model: ModelProto, path: string): Promise<number> {
  const dataPath = `${path}.data`;
  const initializer = await writeExternalData(model.graph?.initializer ?? [], {
    dataPath,
    location: basename(dataPath),
    durable: true,
  });
  const bytes = toBinary(ModelProtoSchema, deriveModel(model, { initializer }));
  return (await writeSynced(path, bytes)) + (await stat(dataPath)).size;
}

function unwritable(path: string, cause: unknown): ModelError {
  return new ModelError(`cannot write model ${path}: check the folder and the free space (${firstLineOf(cause)})`, {
    code: "model-unwritable",
    context: { path },
    cause,
  });
}

/** Returns once the bytes are on the disk, with how many there are. */
async function writeSynced(path: string, bytes: Uint8Array): Promise<number> {
  const handle = await open(path, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
    return bytes.length;
  } finally {
    await handle.close();
  }
}

/** What the values of the initializers take in the file; lists of floats take as much as raw data, of integers at most ten bytes each. */
function dataBytes(model: ModelProto): number {
  let bytes = 0;
  for (const tensor of model.graph?.initializer ?? []) {
    const lists = tensor.int32Data.length + tensor.int64Data.length + tensor.uint64Data.length;
    bytes += tensor.rawData.length + 4 * tensor.floatData.length + 8 * tensor.doubleData.length + 10 * lists;
  }
  return bytes;
}
