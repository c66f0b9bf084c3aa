import path from "node:path";
import { type DataSource, describeInputs, openCalibration, type ValueDescription } from "@edgewatt/onnx";
import { ALIGNMENTS, prune } from "@edgewatt/pruner";
import { columns } from "../columns.ts";
import { type Context, print, printJson } from "../context.ts";
import { calibrationPath } from "../datasets/calibration-path.ts";
import { CIFAR10 } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { type PruneCommandOptions, requireFraction } from "./prune-options.ts";
import { pruningRows } from "./prune-report.ts";

const DEFAULT_IMAGES = 1000;

/** Prunes a file on this machine, without a broker. */
export async function pruneLocally(
  context: Context,
  files: readonly string[],
  options: PruneCommandOptions,
): Promise<void> {
  const { on, timeout, name } = options;
  if ([on, timeout, name].some((option) => option !== undefined)) {
    throw new UsageError("--on, --timeout and --name are for devices: leave them out with --local");
  }
  const [input, output] = files.map((file) => path.resolve(context.cwd, file));
  if (input === undefined || output === undefined || files.length > 2) {
    throw new UsageError("--local takes two files: edgewatt prune --local IN.onnx OUT.onnx --fraction 0.3");
  }
  if (input === output) {
    throw new UsageError(`--local: ${output} is the model itself: name another file for the pruned model`);
  }
  const { by, allocate } = options;
  const fraction = requireFraction(options);
  const align = ALIGNMENTS.find((known) => String(known) === options.align);
  const calibration = await openData(context, input, options);
  using progress = new Progress(context);
  const report = await prune({
    input,
    output,
    fraction,
    by,
    allocate,
    ...defined({ align }),
    calibration,
    onProgress: ({ step, done, total }) => progress.update("prune", `${step} ${done} of ${total}`),
    signal: context.signal,
  });
  progress[Symbol.dispose]();
  if (options.json === true) printJson(context, report);
  else print(context, columns([report.out, ""], pruningRows(report)));
}

async function openData(context: Context, input: string, options: PruneCommandOptions): Promise<DataSource> {
  const inputs = await describeInputs(input);
  const { mean, std, inputShape, images = DEFAULT_IMAGES } = options;
  const what = options.calibration ?? (await defaultCalibration(context, inputs, options));
  return openCalibration(await calibrationPath(context, what, options), {
    inputs,
    images,
    ...defined({ mean, std, inputShape }),
  });
}

/** @throws {UsageError} where no data set is here that fits the model */
async function defaultCalibration(
  context: Context,
  inputs: readonly ValueDescription[],
  options: PruneCommandOptions,
): Promise<string> {
  const takesCifar = inputs.length === 1 && inputs[0]?.shape.slice(1).join() === "3,32,32";
  if (takesCifar && (await findDataset(CIFAR10.name, searchPath(context, options))) !== undefined) return CIFAR10.name;
  throw new UsageError(
    "--local needs --calibration: a folder of images, a CIFAR binary file, a .npy file, or synthetic; no labels are used",
  );
}
