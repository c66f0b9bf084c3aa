import {
  type Artifact,
  type Layers,
  sensitivityResultSchema,
  type SensitivityArgs,
  type SensitivityOptions,
} from "@edgewatt/protocol";
import type { Model } from "@edgewatt/registry";
import type { MqttConnection } from "@edgewatt/runtime";
import type { Context } from "../context.ts";
import { Progress } from "../progress.ts";
import { type Offer, offerTo, uploadBase } from "./artifacts.ts";
import type { Device } from "./fleet.ts";
import { calibrationFor, type LocalData, modelArtifact, takesCifar } from "./inputs.ts";
import { showing } from "./job-progress.ts";
import { runJob } from "./jobs.ts";
import { wholeResult } from "./whole-result.ts";

interface Comparison {
  readonly device: Device;
  readonly hubUrl: string | undefined;
  readonly model: Model;
  readonly data: LocalData;
  /** What `--calibration` names. */
  readonly calibration: string | undefined;
  /** Labelled images in place of those that follow the calibration images. */
  readonly evaluation?: (offer: Offer) => Promise<Artifact | undefined>;
  readonly options: SensitivityOptions;
  readonly timeoutS: number | undefined;
}

/** One sensitivity job: the importance of each layer of a model. */
export async function compareLayers(
  context: Context,
  connection: MqttConnection,
  { device, hubUrl, model, data, calibration, evaluation, options, timeoutS }: Comparison,
): Promise<Layers> {
  const offer = offerTo(device, hubUrl);
  const labelled = await evaluation?.(offer);
  const args: SensitivityArgs = {
    model: await modelArtifact(offer, model),
    calibration: await calibrationFor(context, { what: calibration, data, fits: takesCifar(model), offer }),
    ...(labelled === undefined ? {} : { evaluation: labelled }),
    options,
    ...(hubUrl === undefined ? {} : { upload: uploadBase(hubUrl) }),
  };
  using progress = new Progress(context);
  const { result } = await runJob(
    connection,
    { device: device.id, op: "sensitivity", args, timeoutS, ...showing(progress, device.id) },
    context.signal,
  );
  return wholeResult(sensitivityResultSchema, result, context.signal);
}
