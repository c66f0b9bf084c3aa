import {
  ACCURACY_IMAGES,
  type BenchmarkArgs,
  benchmarkArguments,
  type BenchmarkOptions,
  benchmarkResultSchema,
  DEFAULT_TIMEOUT_S,
  type GraphOptimization,
  type ModelArtifact,
  type Precision,
  QUICK_ACCURACY_IMAGES,
  type Results,
} from "@edgewatt/protocol";
import type { Model } from "@edgewatt/registry";
import { mergeResults } from "@edgewatt/report";
import type { MqttConnection } from "@edgewatt/runtime";
import { type Context, say } from "../context.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { Progress } from "../progress.ts";
import { type Offer, offerTo, uploadBase } from "./artifacts.ts";
import type { Device } from "./fleet.ts";
import { calibrationFor, evaluationArtifact, type LocalData, modelArtifact, takesCifar } from "./inputs.ts";
import { showing } from "./job-progress.ts";
import { onEach, runJob, timeoutSeconds } from "./jobs.ts";

/** How rows are measured; what is left out is up to the agent. */
export interface MeasureOptions {
  readonly precisions: readonly Precision[];
  readonly quick?: true;
  readonly windows?: number;
  readonly maxWindows?: number;
  /** In percent. */
  readonly targetHalfWidth?: number;
  readonly windowS?: number;
  readonly idleS?: number;
  readonly threads?: number;
  readonly spinning?: true;
  readonly graphOptimization?: GraphOptimization;
  readonly batch?: number;
  readonly observer?: true;
  readonly accuracy?: number;
  readonly strict?: true;
  readonly seed?: number;
  /** What all windows together may take, in seconds; rows say where that is too little. */
  readonly budgetS?: number;
  /** Of the whole job, in minutes. */
  readonly timeout?: number;
}

export interface Measurement {
  readonly devices: readonly Device[];
  readonly hubUrl: string | undefined;
  readonly models: OfferedModels;
  readonly data: LocalData;
  /** What `--calibration` names; without it CIFAR-10 where it is here and fits, else synthetic images. */
  readonly calibration?: string | undefined;
  readonly options: MeasureOptions;
}

/** The models of a benchmark, however a device gets them. */
interface OfferedModels {
  /** Whether all of them take CIFAR images. */
  readonly takeCifar: boolean;
  offerTo(offer: Offer): Promise<readonly ModelArtifact[]>;
}

export function registeredModels(models: readonly Model[]): OfferedModels {
  return {
    takeCifar: models.every(takesCifar),
    offerTo: (offer) => Promise.all(models.map((model) => modelArtifact(offer, model))),
  };
}

/** One benchmark job on each of some devices, at the same time; their rows in one document. */
export async function measure(
  context: Context,
  connection: MqttConnection,
  measurement: Measurement,
): Promise<Results> {
  const { devices, hubUrl, options } = measurement;
  using progress = new Progress(context);
  const documents = await onEach(devices, context.signal, async (device, signal) => {
    const args = await argumentsFor(context, device, measurement);
    const { result } = await runJob(
      connection,
      { device: device.id, op: "benchmark", args, timeoutS: timeoutFor(options), ...showing(progress, device.id) },
      signal,
    );
    return benchmarkResultSchema.parse(result).results;
  });
  if (hubUrl === undefined) say(context, "no hub is online: the results are kept in retained messages alone");
  return mergeResults(documents);
}

/** What was asked for; else leaves what a job does besides its windows a third of their time. */
function timeoutFor({ budgetS = 0, ...options }: MeasureOptions): number {
  return timeoutSeconds(options) ?? Math.max(DEFAULT_TIMEOUT_S, (budgetS * 4) / 3);
}

async function argumentsFor(
  context: Context,
  device: Device,
  { models, hubUrl, data, calibration, options }: Measurement,
): Promise<BenchmarkArgs> {
  const offer = offerTo(device, hubUrl);
  const artifacts = await models.offerTo(offer);
  const fits = models.takeCifar;
  const evaluation = fits && options.accuracy !== 0 ? await evaluationArtifact(offer, data) : undefined;
  requireAccuracy(options, evaluation !== undefined);
  const needsInt8 = options.precisions.includes("int8");
  return benchmarkArguments(
    {
      models: artifacts,
      precisions: options.precisions,
      evaluation,
      // A float model needs no images to be sent.
      calibration: needsInt8
        ? await calibrationFor(context, { what: calibration, data, fits, offer })
        : { kind: "synthetic" },
      upload: hubUrl === undefined ? undefined : uploadBase(hubUrl),
    },
    jobOptions(options),
  );
}

/** On how many test images accuracy is measured where that is possible. */
export function accuracyImagesOf({ accuracy, quick }: Pick<MeasureOptions, "accuracy" | "quick">): number {
  return accuracy ?? (quick === true ? QUICK_ACCURACY_IMAGES : ACCURACY_IMAGES);
}

/** @throws {UsageError} where accuracy was asked for and cannot be measured */
export function requireAccuracy({ accuracy = 0 }: Pick<MeasureOptions, "accuracy">, possible: boolean): void {
  if (accuracy === 0 || possible) return;
  throw new UsageError(
    "--accuracy needs the data set cifar10 and models that take it: download it with `edgewatt datasets fetch cifar10` or name its parent folder with --datasets",
  );
}

function jobOptions(options: MeasureOptions): Partial<BenchmarkOptions> {
  const { windows, maxWindows, windowS, idleS, threads, seed, budgetS, graphOptimization, batch, observer } = options;
  return {
    quick: options.quick === true,
    spinning: options.spinning === true,
    strict: options.strict === true,
    ...defined({
      accuracyImages: options.accuracy,
      windows,
      maxWindows,
      targetHalfWidthPct: options.targetHalfWidth,
      windowS,
      idleS,
      threads,
      graphOptimization,
      batch,
      observer,
      seed,
      budgetS,
    }),
  };
}
