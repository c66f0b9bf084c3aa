import path from "node:path";
import {
  describeModel,
  fixInputSides,
  Graph,
  ModelError,
  modelFileBytes,
  readModel,
  type ValueDescription,
  writeModel,
} from "@edgewatt/onnx";
import { findModel, type Model, readRegistry } from "@edgewatt/registry";
import { sha256File } from "@edgewatt/runtime";
import { isFile } from "../client/inputs.ts";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { sizeOf } from "../file-size.ts";
import type { DataOption } from "../options.ts";

export interface ModelOptions extends DataOption {
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
}

/** The model that a study is about, and what it takes. */
export interface StudiedModel {
  readonly model: Model;
  readonly inputs: readonly ValueDescription[];
}

const QUANTIZED = /^(De)?QuantizeLinear$|^QLinear|Integer$/;

/**
 * A model of the registry by its name, or a file. A file is left as it is: one with weights beside it, or with sides to be fixed, is copied.
 *
 * @param scratch where copies go
 * @throws {UsageError} when it is neither, or its options do not go together
 * @throws {ModelError} when it cannot be read, or is no float model
 */
export async function openStudiedModel(
  context: Context,
  name: string,
  options: ModelOptions,
  scratch: string,
): Promise<StudiedModel> {
  const file = path.resolve(context.cwd, name);
  const isAFile = await isFile(file);
  if (!isAFile && name.endsWith(".onnx")) {
    throw new UsageError(`no such file: ${file}; name a model of the registry or a file, see edgewatt models`);
  }
  const model = isAFile ? await ownModel(file, options, scratch) : await registeredModel(context, name, options);
  const graph = new Graph(await readModel(model.path));
  if (graph.nodes.some(({ opType }) => QUANTIZED.test(opType))) {
    throw new ModelError(`${name} is quantized already: give the float model, which a study quantizes itself`, {
      code: "already-quantized",
      context: { path: model.path },
    });
  }
  const { inputs } = await describeModel(model.path);
  return { model, inputs };
}

async function registeredModel(context: Context, name: string, options: ModelOptions): Promise<Model> {
  const { data, mean, std, inputShape } = options;
  if ([mean, std, inputShape].some((option) => option !== undefined)) {
    throw new UsageError(
      "--mean, --std and --input-shape go with a file: leave them out, as a model of the registry brings its own normalization",
    );
  }
  const model = findModel(await readRegistry(path.resolve(context.cwd, data)), name);
  return { ...model, pruning: model.pruning ?? 0, fineTuneEpochs: model.fineTuneEpochs ?? 0 };
}

/** What the registry would know of a file. It is taken as the unpruned model. */
async function ownModel(file: string, { mean, std, inputShape }: ModelOptions, scratch: string): Promise<Model> {
  const name = path.basename(file, ".onnx");
  const described = await describeModel(file);
  if (described.params === 0) {
    throw new ModelError(`${file} has no float parameters to prune: give a float model`, {
      code: "no-parameters",
      context: { file },
    });
  }
  const { params, opset, output } = described;
  const copied = inputShape !== undefined || (await modelFileBytes(file)) > (await sizeOf(file));
  const source = copied ? path.join(scratch, `${name}.onnx`) : file;
  if (copied) {
    const model = await readModel(file);
    if (inputShape !== undefined) fixInputSides(model, described.input, inputShape);
    await writeModel(model, source, { externalData: false });
  }
  const { input } = copied ? await describeModel(source) : described;
  return {
    name,
    file: path.basename(source),
    path: source,
    origin: "added",
    sha256: await sha256File(source),
    bytes: await sizeOf(source),
    params,
    opset,
    pruning: 0,
    fineTuneEpochs: 0,
    input: {
      name: input.name,
      shape: [...input.shape],
      ...(mean === undefined ? {} : { mean: [...mean] }),
      ...(std === undefined ? {} : { std: [...std] }),
    },
    output: { name: output.name, shape: [...output.shape] },
  };
}
