import path from "node:path";
import { type DataSource, describeInputs, openCalibration, type ValueDescription } from "@edgewatt/onnx";
import { counted } from "@edgewatt/protocol";
import { ALIGNMENTS, type Allocation, type Criterion, prune, type PruneReport } from "@edgewatt/pruner";
import { columns, figure, megabytes } from "../columns.ts";
import { type Context, print, printJson } from "../context.ts";
import { calibrationPath } from "../datasets/calibration-path.ts";
import { CIFAR10 } from "../datasets/catalogue.ts";
import { findDataset, searchPath } from "../datasets/find.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption, JsonOption } from "../options.ts";
import { Progress } from "../progress.ts";

/** Flags of `edgewatt prune`. */
interface PruneCommandOptions extends DataOption, DatasetsOption, JsonOption {
  readonly local?: true;
  readonly fraction?: number;
  readonly align: string;
  readonly by: Criterion;
  readonly allocate: Allocation;
  readonly calibration?: string;
  readonly images?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
}

const DEFAULT_IMAGES = 1000;
const SHARED_OUT: Readonly<Record<Allocation, string>> = { uniform: "evenly", error: "by error" };

/** Prunes a file on this machine, without a broker. */
export async function pruneLocally(
  context: Context,
  files: readonly string[],
  options: PruneCommandOptions,
): Promise<void> {
  if (options.local !== true) {
    throw new UsageError(
      "prune works on files of this machine: edgewatt prune --local IN.onnx OUT.onnx --fraction 0.3 --calibration WHAT",
    );
  }
  const [input, output] = files.map((file) => path.resolve(context.cwd, file));
  if (input === undefined || output === undefined || files.length > 2) {
    throw new UsageError("--local takes two files: edgewatt prune --local IN.onnx OUT.onnx --fraction 0.3");
  }
  if (input === output) {
    throw new UsageError(`--local: ${output} is the model itself: name another file for the pruned model`);
  }
  const { fraction, by, allocate } = options;
  if (fraction === undefined) {
    throw new UsageError("prune needs --fraction: the share of channels that go, as 0.3");
  }
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
  else printReport(context, report);
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

function printReport(context: Context, report: PruneReport): void {
  const { params, bytes, calibration, channels, left } = report;
  const reasons = new Map<string, string[]>();
  for (const { name, reason } of left) reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  print(
    context,
    columns(
      [report.out, ""],
      [
        ["Parameters", `${thousands(params.before)} to ${thousands(params.after)}, ${percent(params)} fewer`],
        ["Size", `${megabytes(bytes.before)} to ${megabytes(bytes.after)}`],
        [
          "Channels",
          `${figure(100 * report.fraction, 0, "%")} fewer, in multiples of ${report.align}, chosen by ${report.by}, shared out ${SHARED_OUT[report.allocate]}`,
        ],
        ["Repaired from", `${counted(calibration.images, "image")} (${calibration.kind})`],
        ["Took", `${figure(report.wallS, 1, "s")}, ${figure(report.peakMemoryMb, 0, "MB")} at most`],
        ...channels.map(({ name, before, after }) => [name, before === after ? `${before}` : `${before} to ${after}`]),
        ...[...reasons].flatMap(([reason, names]) => names.map((name) => [name, `left: ${reason}`])),
      ],
    ),
  );
}

function percent({ before, after }: PruneReport["params"]): string {
  return figure(before === 0 ? 0 : 100 * (1 - after / before), 1, "%");
}

function thousands(value: number): string {
  return value.toLocaleString("en-US");
}
