import path from "node:path";
import { findModel, type Model, readRegistry } from "@edgewatt/registry";
import { type Context, print, printJson } from "../context.ts";
import { columns, megabytes } from "../columns.ts";
import { defined } from "../defined.ts";
import { addFile } from "../models/add-file.ts";
import type { DataOption, JsonOption } from "../options.ts";
import { lineageRows } from "./lineage-rows.ts";

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
    ...lineageRows(model.lineage ?? []),
  ];
  print(context, columns([model.name, ""], rows));
}

/** Checks a file and adds it; weights that lie beside the file are taken into the copy. */
export async function addModel(context: Context, file: string, options: AddOptions): Promise<void> {
  const source = path.resolve(context.cwd, file);
  const { mean, std, pruning, fineTuneEpochs } = options;
  const added = await addFile(dataOf(context, options), source, {
    name: options.name ?? path.basename(source, ".onnx"),
    ...defined({ mean, std, pruning, fineTuneEpochs }),
  });
  if (options.json === true) printJson(context, added);
  else print(context, added.name);
}
