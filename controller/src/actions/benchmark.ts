import path from "node:path";
import {
  type BenchmarkArgs,
  benchmarkArguments,
  type BenchmarkOptions,
  benchmarkResultSchema,
  counted,
  DEFAULT_TIMEOUT_S,
  type GraphOptimization,
  plural,
  type Precision,
  type Results,
} from "@edgewatt/protocol";
import { findModels, type Model, readRegistry } from "@edgewatt/registry";
import type { MqttConnection } from "@edgewatt/runtime";
import { mergeResults, renderTable } from "@edgewatt/report";
import { offerTo, uploadBase } from "../client/artifacts.ts";
import { withConnection } from "../client/broker.ts";
import { chooseDevices, type Device, type Fleet, readFleet } from "../client/fleet.ts";
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
import { type Context, print, printJson, say } from "../context.ts";
import { defined } from "../defined.ts";
import { ControllerError, UsageError } from "../errors.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";
import { Progress } from "../progress.ts";

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

interface CommonOptions extends BrokerOption, DatasetsOption, MeasureOptions {
  readonly on?: readonly string[];
  /** Another name of `windows`. */
  readonly repeat?: number;
  /** In minutes. */
  readonly budget?: number;
  readonly failOnFlags?: true;
}

export async function benchmark(context: Context, names: readonly string[], options: CommonOptions): Promise<void> {
  const models = findModels(await registry(context, options), names);
  await measureAndPrint(context, models, options, (fleet) => chooseDevices(fleet, options.on));
}

export async function sweep(
  context: Context,
  options: CommonOptions & { readonly models?: readonly string[] },
): Promise<void> {
  const known = await registry(context, options);
  const models = options.models === undefined ? known : findModels(known, options.models);
  await measureAndPrint(context, models, options, (fleet) => {
    const online = fleet.devices.filter(({ presence }) => presence === "online");
    return options.on === undefined && online.length > 0 ? online : chooseDevices(fleet, options.on);
  });
}

async function registry(context: Context, { data }: BrokerOption): Promise<readonly Model[]> {
  return readRegistry(path.resolve(context.cwd, data));
}

async function measureAndPrint(
  context: Context,
  models: readonly Model[],
  options: CommonOptions,
  choose: (fleet: Fleet) => readonly Device[],
): Promise<void> {
  const data = await findLocalData(context, options);
  const { budget } = options;
  const windows = options.repeat ?? options.windows;
  const measuring: MeasureOptions = {
    ...options,
    ...(windows === undefined ? {} : { windows }),
    ...(budget === undefined ? {} : { budgetS: budget * 60 }),
  };
  const results = await withConnection(context, options, async (connection) => {
    const fleet = await readFleet(connection);
    const devices = choose(fleet);
    return measure(context, connection, { devices, hubUrl: fleet.hubUrl, models, data, options: measuring });
  });
  if (options.json === true) printJson(context, results);
  else printResults(context, results);
  const flagged = results.rows.filter(({ flags }) => flags.length > 0).length;
  if (options.failOnFlags === true && flagged > 0) {
    throw new ControllerError(
      `${flagged} of ${counted(results.rows.length, "row")} ${plural(flagged, "carries", "carry")} flags (--fail-on-flags): see the table`,
      {
        code: "flagged",
      },
    );
  }
}

export function printResults(context: Context, results: Results): void {
  print(context, renderTable(results, context.stdout.columns === undefined ? {} : { width: context.stdout.columns }));
}

export interface Measurement {
  readonly devices: readonly Device[];
  readonly hubUrl: string | undefined;
  readonly models: readonly Model[];
  readonly data: LocalData;
  readonly options: MeasureOptions;
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
  { models, hubUrl, data, options }: Measurement,
): Promise<BenchmarkArgs> {
  const offer = offerTo(device, hubUrl);
  const artifacts = await Promise.all(models.map((model) => modelArtifact(offer, model)));
  const fits = models.every(takesCifar);
  const evaluation = fits && options.accuracy !== 0 ? await evaluationArtifact(offer, data) : undefined;
  if (options.accuracy !== undefined && options.accuracy > 0 && evaluation === undefined) {
    throw new UsageError(
      "--accuracy needs the data set cifar10 and models that take it: download it with `edgewatt datasets fetch cifar10` or name its parent folder with --datasets",
    );
  }
  const calibration = await calibrationFor(context, { what: undefined, data, fits, offer });
  const upload = hubUrl === undefined ? undefined : uploadBase(hubUrl);
  return benchmarkArguments(
    { models: artifacts, precisions: options.precisions, evaluation, calibration, upload },
    jobOptions(options),
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
