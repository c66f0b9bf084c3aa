import { rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { describeModel, ModelError, modelFileBytes, readModel, writeModel } from "@edgewatt/onnx";
import { addToRegistry, findModel, type Model, readRegistry } from "@edgewatt/registry";
import { sizeOf } from "../file-size.ts";
import { type Context, print, printJson } from "../context.ts";
import { columns, megabytes } from "../columns.ts";
import type { DataOption, JsonOption } from "../options.ts";

type Options = DataOption & JsonOption;

interface AddOptions extends Options {
  readonly name?: string;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly pruning?: number;
  readonly fineTuneEpochs?: number;
}

function dataOf(context: Context, options: DataOption): string {
  return path.resolve(context.cwd, options.data);
}

/** The registry. */
export async function listModels(context: Context, options: Options): Promise<void> {
  const models = await readRegistry(dataOf(context, options));
  if (options.json === true) return printJson(context, { models });
  const row = ({ name, params, bytes, sha256, pruning, fineTuneEpochs, origin }: Model): string[] => [
    name,
    params.toLocaleString("en-US"),
    megabytes(bytes),
    pruning === undefined || pruning === null ? "–" : String(pruning),
    fineTuneEpochs === undefined || fineTuneEpochs === null ? "–" : String(fineTuneEpochs),
    sha256.slice(0, 12),
    origin,
  ];
  print(context, columns(["NAME", "PARAMS", "SIZE", "PRUNING", "EPOCHS", "SHA256", "ORIGIN"], models.map(row)));
}

/** One model of the registry. */
export async function showModel(context: Context, name: string, options: Options): Promise<void> {
  const model = findModel(await readRegistry(dataOf(context, options)), name);
  if (options.json === true) return printJson(context, model);
  const { accuracy, input, output } = model;
  const rows = [
    ["File", model.path],
    ["SHA-256", model.sha256],
    ["Size", megabytes(model.bytes)],
    ["Parameters", model.params.toLocaleString("en-US")],
    [
      "Input",
      `${input.name} [${input.shape.join(", ")}], mean ${input.mean?.join(", ") ?? "0"}, std ${input.std?.join(", ") ?? "1"}`,
    ],
    ["Output", `${output.name} [${output.shape.join(", ")}]`],
    [
      "Pruning",
      `${model.pruning ?? "not known"}; fine-tuned for ${model.fineTuneEpochs ?? "an unknown number of"} epochs`,
    ],
    [
      "Accuracy",
      accuracy === undefined ? "not known" : `${accuracy.percent} % (${accuracy.dataset}; ${accuracy.runtime})`,
    ],
  ];
  print(context, columns([model.name, ""], rows));
}

/** Checks a file and adds it; weights that lie beside the file are taken into the copy. */
export async function addModel(context: Context, file: string, options: AddOptions): Promise<void> {
  const source = path.resolve(context.cwd, file);
  const { params, opset, input, output } = await describeModel(source);
  if (params === 0) {
    throw new ModelError(`${source} has no parameters to measure: give a float model`, {
      code: "no-parameters",
      context: { source },
    });
  }
  const whole = (await modelFileBytes(source)) > (await sizeOf(source)) ? await inOneFile(source) : undefined;
  try {
    const bytes = await sizeOf(whole ?? source);
    const added = await addToRegistry(dataOf(context, options), whole ?? source, (stored) => ({
      ...stored,
      name: options.name ?? path.basename(source, ".onnx"),
      params,
      opset,
      bytes,
      input: {
        name: input.name,
        shape: [...input.shape],
        ...(options.mean === undefined ? {} : { mean: [...options.mean] }),
        ...(options.std === undefined ? {} : { std: [...options.std] }),
      },
      output: { name: output.name, shape: [...output.shape] },
      ...(options.pruning === undefined ? {} : { pruning: options.pruning }),
      ...(options.fineTuneEpochs === undefined ? {} : { fineTuneEpochs: options.fineTuneEpochs }),
    }));
    if (options.json === true) printJson(context, added);
    else print(context, added.name);
  } finally {
    if (whole !== undefined) await rm(whole, { force: true });
  }
}

async function inOneFile(source: string): Promise<string> {
  const target = path.join(os.tmpdir(), `edgewatt-${process.pid}.onnx`);
  await writeModel(await readModel(source), target, { externalData: false });
  return target;
}
