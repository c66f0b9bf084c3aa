import { randomUUID } from "node:crypto";
import { open, rename, rm, stat } from "node:fs/promises";
import { basename } from "node:path";
import { toBinary } from "@bufbuild/protobuf";
import { firstLineOf, ModelError } from "./errors.ts";
import { moveToExternalData } from "./external-data.ts";
import { ModelProtoSchema, type ModelProto } from "./proto.ts";

/** A protobuf message ends at 2 GiB; some room is left for the graph itself. */
const LARGEST_INLINE_BYTES = 1.8e9;

export interface WriteModelOptions {
  /** Put large initializers into `<path>.data` beside the model; by default only where one file cannot hold them. */
  readonly externalData?: boolean;
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
  const aside = `${path}.${randomUUID()}.tmp`;
  const external = options.externalData ?? dataBytes(model) > LARGEST_INLINE_BYTES;
  const dataAside = `${aside}.data`;
  try {
    let bytes: Uint8Array;
    let dataFileBytes = 0;
    if (external) {
      const restore = await moveToExternalData(model, dataAside, `${basename(path)}.data`);
      try {
        bytes = toBinary(ModelProtoSchema, model);
      } finally {
        restore();
      }
    } else {
      bytes = toBinary(ModelProtoSchema, model);
    }
    await writeSynced(aside, bytes);
    if (external) dataFileBytes = (await stat(dataAside)).size;
    if (external) await rename(dataAside, `${path}.data`);
    await rename(aside, path);
    return bytes.length + dataFileBytes;
  } catch (error) {
    await Promise.all([rm(aside, { force: true }), rm(dataAside, { force: true })]);
    throw new ModelError(`cannot write model ${path}: check the folder and the free space (${firstLineOf(error)})`, {
      code: "model-unwritable",
      context: { path },
      cause: error,
    });
  }
}

async function writeSynced(path: string, bytes: Uint8Array): Promise<void> {
  const handle = await open(path, "w");
  try {
    await handle.writeFile(bytes);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function dataBytes(model: ModelProto): number {
  let bytes = 0;
  for (const tensor of model.graph?.initializer ?? []) bytes += tensor.rawData.length;
  return bytes;
}
