import path from "node:path";
import { type DataSource, openCalibration, packImages, type ValueDescription } from "@edgewatt/onnx";
import { checkImages } from "@edgewatt/pruner";
import { findLocalData, isFile, type LocalData } from "../client/inputs.ts";
import type { Context } from "../context.ts";
import { calibrationPath } from "../datasets/calibration-path.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import type { StudiedModel } from "./studied-model.ts";

interface ImageOptions extends DataOption, DatasetsOption {
  readonly calibration?: string;
  readonly images?: number;
}

/** What a study repairs from, checked against the model. */
export interface StudyImages {
  /** What the jobs are told: a data set's name, a file, or `synthetic`. */
  readonly what: string;
  readonly kind: DataSource["kind"];
  readonly images: number;
  readonly data: LocalData;
}

/** Of the repair; as many as the pruner takes unless told. */
const DEFAULT_IMAGES = 1000;
const TRIED = 8;

/**
 * Opens what `--calibration` names, or CIFAR-10 where it is here and fits, else synthetic images; reads one batch, so that what does not fit is
 * known before a device is asked. A folder of images becomes one file, which devices can fetch.
 *
 * @param scratch where that file goes
 * @throws {DataError} for what cannot be read or does not fit the model, {PrunerError} for too few images
 */
export async function openStudyImages(
  context: Context,
  { model, inputs }: StudiedModel,
  options: ImageOptions,
  { scratch, repairs }: { scratch: string; repairs: boolean },
): Promise<StudyImages> {
  const data = await findLocalData(context, options);
  const what =
    options.calibration ?? (takesCifarImages(inputs) && data.calibrationFile !== undefined ? "cifar10" : "synthetic");
  const source = await openCalibration(await calibrationPath(context, what, options), {
    inputs,
    images: options.images ?? DEFAULT_IMAGES,
    ...defined({ mean: model.input.mean, std: model.input.std }),
  });
  if (repairs) checkImages(model.name, source);
  const tried = Math.min(TRIED, source.count);
  for await (const _ of source.batches({ batchSize: tried, count: tried })) break;
  const given = { kind: source.kind, images: source.count, data };
  if (source.kind !== "images") {
    return { ...given, what: what === "cifar10" || source.kind === "synthetic" ? what : await oneFile(source, inputs) };
  }
  const file = path.join(scratch, "images.npy");
  // As bytes: the model's own normalization comes in later, as for any other file.
  await packImages(await openCalibration(source.name, { inputs, images: source.count }), file, context.signal);
  return { ...given, what: file };
}

/** The file of a source that may be a folder with one `.npy` for each input, as devices fetch files. @throws {UsageError} for several inputs */
async function oneFile({ name }: DataSource, inputs: readonly ValueDescription[]): Promise<string> {
  if (await isFile(name)) return name;
  const [input] = inputs;
  if (input !== undefined && inputs.length === 1) return path.join(name, `${input.name}.npy`);
  throw new UsageError(
    `the model has ${inputs.length} inputs, and devices take calibration data for one: prune it with \`edgewatt prune --local\``,
  );
}

function takesCifarImages(inputs: readonly ValueDescription[]): boolean {
  const [input] = inputs;
  return inputs.length === 1 && ["3,32,32", "32,32,3"].includes(input?.shape.slice(1).join() ?? "");
}
