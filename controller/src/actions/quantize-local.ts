import path from "node:path";
import { describeModel, openCalibration } from "@edgewatt/onnx";
import { quantize, type QuantizeReport } from "@edgewatt/quantizer";
import { columns, figure, megabytes } from "../columns.ts";
import { type Context, print, printJson } from "../context.ts";
import { CIFAR10, CIFAR10_CALIBRATION } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import { UsageError } from "../errors.ts";
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
  else printReport(context, report);
}

async function run(
  context: Context,
  { input, output, what }: { input: string; output: string; what: string },
  options: QuantizeCommandOptions,
): Promise<QuantizeReport> {
  const { images, mean, std, inputShape, format, perTensor, reduceRange, verify } = options;
  const { inputs } = await describeModel(input);
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

async function calibrationPath(context: Context, what: string, options: QuantizeCommandOptions): Promise<string> {
  if (what === "synthetic") return what;
  const dataset = what === CIFAR10.name ? await findDataset(what, searchPath(context, options)) : undefined;
  return dataset === undefined ? path.resolve(context.cwd, what) : path.join(dataset.path, CIFAR10_CALIBRATION);
}

function compared({ images, heldBack }: QuantizeReport["verification"]): string {
  const from = heldBack ? "held back from calibration" : "that calibration has seen too: nothing was held back";
  return `${images.toLocaleString("en-US")} images ${from}`;
}

function printReport(context: Context, report: QuantizeReport): void {
  const { bytes, nodes, sqnrDb, agreement, calibration, verification } = report;
  const { otherFormat } = verification;
  const rows = [
    [
      "Size",
      `${megabytes(bytes.float)} → ${megabytes(bytes.int8)} (${((bytes.int8 / bytes.float) * 100).toFixed(1)} %)`,
    ],
    ["Nodes", `${nodes.fused} of ${nodes.quantized} quantized ones run in int8`],
    ...(otherFormat === null
      ? []
      : [
          [
            `Nodes as ${otherFormat.format}`,
            otherFormat.problem ?? `${otherFormat.fused} of ${otherFormat.quantized} quantized ones would run in int8`,
          ],
        ]),
    ...nodes.float.map(({ name, op, reason }) => [`  ${name}`, `${op} stays in float: ${reason}`]),
    ["Calibration", `${calibration.images} images (${calibration.kind}), ${report.format}`],
    ["Signal to noise", `${figure(sqnrDb, 1, "dB")} on ${compared(verification)}`],
    ["Agreement", agreement === null ? "–" : figure(agreement * 100, 1, "%")],
    ["Took", `${figure(report.wallS, 1, "s")}, ${figure(report.peakMemoryMb, 0, "MB")} at most`],
    ...report.layers.map(({ name, op, sqnrDb: db }) => [`  ${name}`, `${op}, ${figure(db, 1, "dB")}`]),
  ];
  print(context, columns([report.out, ""], rows));
}
