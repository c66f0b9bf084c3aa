import path from "node:path";
import { describeInputs, openCalibration } from "@edgewatt/onnx";
import { quantize, type QuantizeReport } from "@edgewatt/quantizer";
import { type Context, printJson } from "../context.ts";
import { CIFAR10, CIFAR10_CALIBRATION } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import { Progress } from "../progress.ts";
import type { QuantizeCommandOptions } from "./quantize-options.ts";

/** Quantizes a file on this machine, without a broker. */
export async function quantizeLocally(
  context: Context,
  files: readonly string[],
  options: QuantizeCommandOptions,
): Promise<void> {
  const [input, output] = files.map((file) => path.resolve(context.cwd, file));
  if (input === undefined || output === undefined || files.length > 2) {
    throw new UsageError("--local takes two files: edgewatt quantize --local IN.onnx OUT.onnx --calibration WHAT");
  }
  if (input === output)
    throw new UsageError(`--local: ${output} is the float model itself: name another file for the int8 model`);
  if (options.calibration === undefined) {
    throw new UsageError(
      "--local needs --calibration: a folder of images, a CIFAR binary file, a .npy file, or synthetic",
    );
  }
  const report = await run(context, { input, output, what: options.calibration }, options);
  if (options.json === true) printJson(context, report);
  else (await import("./quantize-report.ts")).printReport(context, report);
}

async function run(
  context: Context,
  { input, output, what }: { input: string; output: string; what: string },
  options: QuantizeCommandOptions,
): Promise<QuantizeReport> {
  const { images, mean, std, inputShape, format, perTensor, reduceRange, verify } = options;
  const inputs = await describeInputs(input);
  const calibration = await openCalibration(await calibrationPath(context, what, options), {
    inputs,
    ...(images === undefined ? {} : { images }),
    ...(mean === undefined ? {} : { mean }),
    ...(std === undefined ? {} : { std }),
    ...(inputShape === undefined ? {} : { inputShape }),
  });
  using progress = new Progress(context);
  return await quantize({
    input,
    output,
    calibration,
    ...(format === undefined ? {} : { format }),
    ...(perTensor === undefined ? {} : { perTensor }),
    ...(reduceRange === undefined ? {} : { reduceRange }),
    ...(verify === undefined ? {} : { verify }),
    onProgress: ({ step, done, total }) => progress.update("quantize", `${step} ${done} of ${total}`),
    signal: context.signal,
  });
}

/** The file or folder that `--calibration` names, a data set's by its name. */
export async function calibrationPath(
  context: Context,
  what: string,
  options: DataOption & DatasetsOption,
): Promise<string> {
  if (what === "synthetic") return what;
  const dataset = what === CIFAR10.name ? await findDataset(what, searchPath(context, options)) : undefined;
  return dataset === undefined ? path.resolve(context.cwd, what) : path.join(dataset.path, CIFAR10_CALIBRATION);
}
