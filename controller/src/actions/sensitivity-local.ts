import { existsSync } from "node:fs";
import path from "node:path";
import { describeModel, openCalibration, type DataOptions } from "@edgewatt/onnx";
import { type Layers, layersDocument, sensitivityReportSchema } from "@edgewatt/protocol";
import { measureSensitivity } from "@edgewatt/quantizer";
import type { Context } from "../context.ts";
import { calibrationPath } from "../datasets/calibration-path.ts";
import { CIFAR10, CIFAR10_EVALUATION } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { recipeOf } from "./quantize-options.ts";
import type { SensitivityCommandOptions } from "./sensitivity-options.ts";

/** Compares the layers of a model file on this machine, without a broker; there is no meter then, so energies stay blank. */
export async function compareLocally(
  context: Context,
  file: string,
  options: SensitivityCommandOptions,
): Promise<Layers> {
  const { calibration, evaluation, on, timeout, windows, windowS, idleS } = options;
  if ([on, timeout, windows, windowS, idleS].some((option) => option !== undefined)) {
    throw new UsageError(
      "--on, --timeout, --windows, --window-s and --idle-s are for devices: leave them out with --local",
    );
  }
  if (calibration === undefined) {
    throw new UsageError(
      "--local needs --calibration: a folder of images, a CIFAR binary file, a .npy file, or synthetic",
    );
  }
  const recipe = recipeOf(options);
  const input = path.resolve(context.cwd, file);
  const data = await dataOptions(input, options);
  const { evaluationImages, threads } = options;
  using progress = new Progress(context);
  const report = await measureSensitivity({
    input,
    calibration: await openCalibration(await calibrationPath(context, calibration, options), data),
    ...(evaluation === undefined
      ? {}
      : { evaluation: await openCalibration(await evaluationPath(context, evaluation, options), data) }),
    ...recipe,
    ...defined({ evaluationImages, threads }),
    onProgress: ({ step, done, total }) =>
      progress.update("sensitivity", `${step} ${Math.floor((100 * done) / total)} %`),
    signal: context.signal,
  });
  return layersDocument(sensitivityReportSchema.parse(report), {
    created: new Date().toISOString(),
    device: null,
    model: path.parse(input).name,
    energy: { source: null, int8: null, float: null },
    flags: ["energy: --local measures no power; run the command on a device with an agent"],
  });
}

async function dataOptions(
  input: string,
  { images, mean, std, inputShape }: SensitivityCommandOptions,
): Promise<DataOptions> {
  const { inputs } = await describeModel(input);
  return {
    inputs,
    ...defined({ images, mean, std, inputShape }),
  };
}

async function evaluationPath(context: Context, what: string, options: SensitivityCommandOptions): Promise<string> {
  const dataset = what === CIFAR10.name ? await findDataset(what, searchPath(context, options)) : undefined;
  if (dataset !== undefined) return path.join(dataset.path, CIFAR10_EVALUATION);
  const file = path.resolve(context.cwd, what);
  if (existsSync(file)) return file;
  throw new UsageError(
    `--evaluation ${what}: no such file or data set; give a CIFAR binary file, a .npy file, a folder of images, or ${CIFAR10.name}`,
  );
}
