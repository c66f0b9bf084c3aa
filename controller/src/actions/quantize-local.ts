import path from "node:path";
import { type DataSource, describeInputs, openCalibration } from "@edgewatt/onnx";
import { quantize, type QuantizeReport } from "@edgewatt/quantizer";
import { type Context, printJson } from "../context.ts";
import { calibrationPath } from "../datasets/calibration-path.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { type QuantizeCommandOptions, recipeOf } from "./quantize-options.ts";

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
  if (options.on !== undefined || options.timeout !== undefined) {
    throw new UsageError("--on and --timeout are for devices: leave them out with --local");
  }
  if (options.calibration === undefined && options.table === undefined) {
    throw new UsageError(
      "--local needs --calibration: a folder of images, a CIFAR binary file, a .npy file, or synthetic; or a --table that --save-table wrote",
    );
  }
  const report = await run(context, { input, output }, options);
  if (options.json === true) printJson(context, report);
  else (await import("./quantize-report.ts")).printReport(context, report);
}

async function run(
  context: Context,
  { input, output }: { input: string; output: string },
  options: QuantizeCommandOptions,
): Promise<QuantizeReport> {
  const { table, saveTable, verify } = options;
  const recipe = recipeOf(options);
  const inFolder = (file: string | undefined) => (file === undefined ? undefined : path.resolve(context.cwd, file));
  const calibration = await openData(context, input, options);
  using progress = new Progress(context);
  return await quantize({
    input,
    output,
    ...recipe,
    ...defined({ calibration, verify, table: inFolder(table), saveTable: inFolder(saveTable) }),
    onProgress: ({ step, done, total }) =>
      // How many tries a search takes nobody knows before.
      progress.update(
        "quantize",
        step === "improve" && recipe.target !== undefined ? `search: try ${total}` : `${step} ${done} of ${total}`,
      ),
    signal: context.signal,
  });
}

async function openData(
  context: Context,
  input: string,
  options: QuantizeCommandOptions,
): Promise<DataSource | undefined> {
  const { calibration: what, images, mean, std, inputShape } = options;
  if (what === undefined) return undefined;
  return openCalibration(await calibrationPath(context, what, options), {
    inputs: await describeInputs(input),
    ...defined({ images, mean, std, inputShape }),
  });
}
