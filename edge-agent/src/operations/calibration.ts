import {
  quantizeRecipeSchema,
  type Artifact,
  type Calibration,
  type ModelArtifact,
  type QuantizeOptions,
  type QuantizeReport,
} from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import type { MadeModel } from "../models/made.ts";
import { QUANTIZING } from "../models/quantizing.ts";
import type { Workbench } from "./workbench.ts";

/** Calibration data on this device. */
export interface LocalCalibration {
  /** A path, or `synthetic`. */
  readonly what: string;
  readonly name: string;
  /** Digest of the file, or `synthetic`. */
  readonly identity: string;
  readonly seed: number;
}

/** Digests of the files that a job uses, none of which may make room in the cache for another. */
export function digestsOf(...artifacts: readonly (Artifact | Calibration | undefined)[]): ReadonlySet<string> {
  return new Set(artifacts.flatMap((artifact) => (typeof artifact?.sha256 === "string" ? [artifact.sha256] : [])));
}

/** Brings calibration data here; without any it is synthetic images. */
export async function fetchCalibration(
  calibration: Calibration | undefined,
  keep: ReadonlySet<string>,
  bench: Workbench,
  context: JobContext,
): Promise<LocalCalibration> {
  if (calibration === undefined || calibration.kind === "synthetic") {
    return { what: "synthetic", name: "synthetic", identity: "synthetic", seed: calibration?.seed ?? 0 };
  }
  const what = await bench.store.fetch(calibration, keep, context.signal);
  return { what, name: calibration.name, identity: calibration.sha256, seed: 0 };
}

/** Brings all files here that a job makes a model out of. */
export async function fetchInputs(
  args: {
    readonly model: ModelArtifact;
    readonly calibration: Calibration;
    readonly evaluation?: Artifact | undefined;
  },
  bench: Workbench,
  context: JobContext,
): Promise<{ modelPath: string; calibration: LocalCalibration; keep: ReadonlySet<string> }> {
  const { model } = args;
  context.progress({ step: "fetch", detail: model.name, share: 0 });
  const keep = digestsOf(model, args.calibration, args.evaluation);
  const modelPath = await bench.store.fetch(model, keep, context.signal);
  const calibration = await fetchCalibration(args.calibration, keep, bench, context);
  return { modelPath, calibration, keep };
}

/** The int8 form of a model that is here, quantized now unless it was before with the same arguments. */
export function quantizeLocal(
  work: { model: ModelArtifact; modelPath: string; calibration: LocalCalibration; options: QuantizeOptions },
  bench: Workbench,
  context: Parameters<Workbench["made"]["get"]>[2],
): Promise<MadeModel<QuantizeReport>> {
  const { model, modelPath, calibration, options } = work;
  return bench.made.get(
    QUANTIZING,
    {
      modelSha256: model.sha256,
      calibration: calibration.identity,
      names: { model: model.name, calibration: calibration.name },
      request: {
        input: modelPath,
        source: { what: calibration.what, seed: calibration.seed, mean: model.mean, std: model.std },
        images: options.images,
        recipe: quantizeRecipeSchema.parse(options),
      },
    },
    context,
  );
}
