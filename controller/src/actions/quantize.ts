import path from "node:path";
import { plural, quantizeArguments, type QuantizeResult, quantizeResultSchema } from "@edgewatt/protocol";
import { findModels, type Model, readRegistry } from "@edgewatt/registry";
import type { MqttConnection } from "@edgewatt/runtime";
import { offerTo, uploadBase } from "../client/artifacts.ts";
import { withConnection } from "../client/broker.ts";
import { chooseDevices, type Device, readFleet } from "../client/fleet.ts";
import {
  calibrationFor,
  evaluationArtifact,
  findLocalData,
  type LocalData,
  modelArtifact,
  takesCifar,
} from "../client/inputs.ts";
import { showing } from "../client/job-progress.ts";
import { onEach, runJob, timeoutSeconds } from "../client/jobs.ts";
import { wholeResult } from "../client/whole-result.ts";
import { columns } from "../columns.ts";
import { type Context, print, printJson } from "../context.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { type QuantizeCommandOptions, recipeOf } from "./quantize-options.ts";
import { reportRows } from "./quantize-report.ts";

interface Quantized extends QuantizeResult {
  readonly device: string;
}

/** Publishes quantize jobs and shows their results; `--local` is another command. */
export async function quantize(
  context: Context,
  models: readonly string[],
  options: QuantizeCommandOptions,
): Promise<void> {
  const { mean, std, inputShape, table, saveTable, verify } = options;
  if ([mean, std, inputShape, table, saveTable, verify].some((option) => option !== undefined)) {
    throw new UsageError(
      "--mean, --std, --input-shape, --table, --save-table and --verify go with --local: add it, or leave them out (a model of the registry brings its own normalization)",
    );
  }
  const recipe = recipeOf(options);
  const chosen = findModels(await readRegistry(path.resolve(context.cwd, options.data)), models);
  const data = await findLocalData(context, options);
  const results = await withConnection(context, options, async (connection) => {
    const fleet = await readFleet(connection);
    const devices = chooseDevices(fleet, options.on);
    using progress = new Progress(context);
    const work = { hubUrl: fleet.hubUrl, models: chosen, data, options, recipe, progress };
    const perDevice = await onEach(devices, context.signal, (device, signal) =>
      quantizeOn(context, connection, { ...work, device, signal }),
    );
    return perDevice.flat();
  });
  if (options.json === true) return printJson(context, { results });
  for (const result of results) printResult(context, result);
}

async function quantizeOn(
  context: Context,
  connection: MqttConnection,
  work: {
    device: Device;
    hubUrl: string | undefined;
    models: readonly Model[];
    data: LocalData;
    options: QuantizeCommandOptions;
    recipe: ReturnType<typeof recipeOf>;
    progress: Progress;
    signal: AbortSignal;
  },
): Promise<Quantized[]> {
  const { device, hubUrl, data, options, recipe, progress, signal } = work;
  const offer = offerTo(device, hubUrl);
  const results: Quantized[] = [];
  for (const model of work.models) {
    const fits = takesCifar(model);
    const evaluation = fits ? await evaluationArtifact(offer, data) : undefined;
    const args = quantizeArguments(
      {
        model: await modelArtifact(offer, model),
        calibration: await calibrationFor(context, { what: options.calibration, data, fits, offer }),
        evaluation,
        upload: hubUrl === undefined ? undefined : uploadBase(hubUrl),
      },
      { ...defined({ images: options.images }), ...recipe },
    );
    const { result } = await runJob(
      connection,
      { device: device.id, op: "quantize", args, timeoutS: timeoutSeconds(options), ...showing(progress, device.id) },
      signal,
    );
    results.push({ device: device.id, ...(await wholeResult(quantizeResultSchema, result, signal)) });
  }
  return results;
}

function printResult(context: Context, { device, model, report, accuracyPct, cached }: Quantized): void {
  const accuracy = [
    "Accuracy",
    accuracyPct === null
      ? "not measured: no labelled data set; see edgewatt datasets"
      : `${accuracyPct.float.toFixed(2)} % → ${accuracyPct.int8.toFixed(2)} % on ${accuracyPct.images.toLocaleString("en-US")} ${plural(accuracyPct.images, "image")}`,
  ];
  const head = [model, `on ${device}${cached ? " (from its cache)" : ""}`];
  print(context, `${columns(head, reportRows(report, { beforeLayers: [accuracy] }))}\n`);
}
