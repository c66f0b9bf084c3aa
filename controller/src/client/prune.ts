import { type PruneArgs, type PruneOptions, type PruneResult, pruneResultSchema } from "@edgewatt/protocol";
import type { Model } from "@edgewatt/registry";
import type { MqttConnection } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import { UsageError } from "../errors.ts";
import { type Offer, uploadBase } from "./artifacts.ts";
import { calibrationFor, type LocalData, modelArtifact, takesCifar } from "./inputs.ts";
import { type JobRequest, runJob } from "./jobs.ts";
import { wholeResult } from "./whole-result.ts";

/** What a model is to be pruned by, on any device. */
export interface PruneWork {
  readonly model: Model;
  readonly options: PruneOptions;
  /** What `--calibration` names; without it CIFAR-10, where it is here and fits. */
  readonly calibration: string | undefined;
  readonly data: LocalData;
}

/** A model that a device has pruned. */
export interface PrunedModel {
  readonly device: string;
  readonly job: string;
  readonly source: Model;
  readonly result: PruneResult;
}

/** @throws {UsageError} where nobody says what to repair the model from: a repair fits it to its images */
export function requireCalibration({
  model,
  calibration,
  data,
}: Pick<PruneWork, "model" | "calibration" | "data">): void {
  if (calibration !== undefined || (takesCifar(model) && data.calibrationFile !== undefined)) return;
  throw new UsageError(
    `no calibration images are known for ${model.name}: name them with --calibration, a CIFAR binary file, a .npy file, a data set's name, or synthetic; no labels are used`,
  );
}

/** Prunes a model on a device, and follows that to its end. @throws what {@link runJob} throws */
export async function pruneOn(
  context: Context,
  connection: MqttConnection,
  { model, options, calibration, data }: PruneWork,
  {
    device,
    offer,
    hubUrl,
    signal,
    ...following
  }: Pick<JobRequest, "device" | "timeoutS" | "onState" | "onMessage"> & {
    readonly offer: Offer;
    readonly hubUrl: string | undefined;
    readonly signal: AbortSignal;
  },
): Promise<PrunedModel> {
  const args: PruneArgs = {
    model: await modelArtifact(offer, model),
    calibration: await calibrationFor(context, { what: calibration, data, fits: takesCifar(model), offer }),
    options,
    ...(hubUrl === undefined ? {} : { upload: uploadBase(hubUrl) }),
  };
  const { job, result } = await runJob(connection, { device, op: "prune", args, ...following }, signal);
  return { device, job, source: model, result: await wholeResult(pruneResultSchema, result, signal) };
}
