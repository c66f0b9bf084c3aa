import { pathToFileURL } from "node:url";
import {
  parseArguments,
  quantizeArgsSchema,
  type Artifact,
  type ModelArtifact,
  type QuantizeArgs,
  type QuantizeResult,
} from "@edgewatt/protocol";
import type { JobContext, Operation } from "../jobs/operation.ts";
import type { QuantizedModel } from "../models/quantized.ts";
import { Runner } from "../runner/runner.ts";
import { digestsOf, fetchCalibration, quantizeLocal } from "./calibration.ts";
import type { Workbench } from "./workbench.ts";

/** Shares of the job's progress at which its parts begin. */
const FROM = { quantize: 0.05, accuracy: 0.6, upload: 0.95 } as const;

/** Quantizes a model here, compares its accuracy where a labelled set is given, and uploads it. */
export function createQuantize(bench: Workbench): Operation<QuantizeArgs> {
  return {
    name: "quantize",
    parse: (args) => parseArguments(quantizeArgsSchema, args),
    async run(args, context): Promise<QuantizeResult> {
      const { model } = args;
      context.progress({ step: "fetch", detail: model.name, share: 0 });
      const keep = digestsOf(model, args.calibration, args.evaluation);
      const modelPath = await bench.store.fetch(model, keep, context.signal);
      const calibration = await fetchCalibration(args.calibration, keep, bench, context);
      const int8 = await quantizeLocal({ model, modelPath, calibration, options: args.options }, bench, {
        signal: context.signal,
        onProgress: ({ step, share }) => {
          const part = step === "calibrate" ? share / 2 : 0.5 + share / 2;
          const done = FROM.quantize + part * (FROM.accuracy - FROM.quantize);
          context.progress({ step, detail: model.name, share: done });
        },
      });
      const accuracyPct =
        args.evaluation?.kind === "cifar"
          ? await compareAccuracy(
              { model, modelPath, int8Path: int8.path, evaluation: args.evaluation, keep },
              bench,
              context,
            )
          : null;
      const artifact = await publish(int8, { model, upload: args.upload }, bench, context);
      return { model: model.name, artifact, report: int8.report, accuracyPct, cached: int8.cached };
    },
  };
}

async function publish(
  int8: QuantizedModel,
  { model, upload }: { model: ModelArtifact; upload: string | undefined },
  bench: Workbench,
  context: JobContext,
): Promise<ModelArtifact> {
  let url = pathToFileURL(int8.path).href;
  if (upload !== undefined) {
    context.progress({ step: "upload", detail: model.name, share: FROM.upload });
    url = await bench.store.upload(int8.path, int8.sha256, upload, context.signal);
  }
  return { ...model, name: `${model.name}-int8`, url, sha256: int8.sha256, bytes: int8.bytes };
}

async function compareAccuracy(
  work: { model: ModelArtifact; modelPath: string; int8Path: string; evaluation: Artifact; keep: ReadonlySet<string> },
  bench: Workbench,
  context: JobContext,
): Promise<NonNullable<QuantizeResult["accuracyPct"]>> {
  const { model, modelPath, int8Path, evaluation, keep } = work;
  const { signal } = context;
  const path = await bench.store.fetch(evaluation, keep, signal);
  const measure = async (file: string, name: string, half: number) => {
    const { runner } = await Runner.load(
      { modelPath: file, threads: bench.info().hardware.cores, spinning: false, graphOptimization: "all", batch: 1 },
      { cores: undefined, signal },
    );
    await using running = runner;
    // Awaited here, as the runner ends with this scope.
    return await running.accuracy(
      { path, images: Number.MAX_SAFE_INTEGER, mean: model.mean, std: model.std },
      (share) => {
        const done = FROM.accuracy + ((half + share) / 2) * (FROM.upload - FROM.accuracy);
        context.progress({ step: "accuracy", detail: `${model.name} ${name}`, share: done });
      },
    );
  };
  const float = await measure(modelPath, "fp32", 0);
  const int8 = await measure(int8Path, "int8", 1);
  return {
    float: (100 * float.correct) / float.images,
    int8: (100 * int8.correct) / int8.images,
    images: float.images,
  };
}
