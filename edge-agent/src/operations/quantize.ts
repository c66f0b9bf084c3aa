import {
  parseArguments,
  quantizeArgsSchema,
  type Artifact,
  type ModelArtifact,
  type QuantizeArgs,
  type QuantizeResult,
} from "@edgewatt/protocol";
import { QUANTIZER_VERSION } from "@edgewatt/quantizer/recipe";
import type { JobContext, Operation } from "../jobs/operation.ts";
import { Runner } from "../runner/runner.ts";
import { fetchInputs, quantizeLocal } from "./calibration.ts";
import { publishModel } from "./publish-model.ts";
import { withoutConflicts } from "./recipe.ts";
import { toldResult } from "./told-result.ts";
import type { Workbench } from "./workbench.ts";

const argsSchema = withoutConflicts(quantizeArgsSchema, ["options"], ({ options }) => options);

/** Shares of the job's progress at which its parts begin. */
const FROM = { quantize: 0.05, accuracy: 0.6, upload: 0.95 } as const;

/** Quantizes a model here, compares its accuracy where a labelled set is given, and uploads it. */
export function createQuantize(bench: Workbench): Operation<QuantizeArgs> {
  return {
    name: "quantize",
    parse: (args) => parseArguments(argsSchema, args),
    async run(args, context): Promise<QuantizeResult> {
      const { model } = args;
      const { modelPath, calibration, keep } = await fetchInputs(args, bench, context);
      const int8 = await quantizeLocal({ model, modelPath, calibration, options: args.options }, bench, {
        signal: context.signal,
        onProgress: ({ step, share, note }) => {
          const detail = [model.name, note].filter(Boolean).join(", ");
          context.progress({ step, detail, share: FROM.quantize + share * (FROM.accuracy - FROM.quantize) });
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
      const { format, method, techniques } = int8.report;
      const artifact = await publishModel(
        int8,
        {
          model,
          calibration: args.calibration,
          facts: { name: `${model.name}-int8` },
          step: { op: "quantize", format, method, techniques, version: QUANTIZER_VERSION },
          upload: args.upload,
        },
        { bench, context, share: FROM.upload },
      );
      const whole = { model: model.name, artifact, report: int8.report, accuracyPct, cached: int8.cached };
      const name = `${model.name}-quantize.json`;
      return toldResult(whole, { name, summarize, upload: args.upload }, bench, context);
    },
  };
}

/** Without what grows with the model. */
function summarize(whole: QuantizeResult): QuantizeResult {
  const { report } = whole;
  const { nodes, search } = report;
  return {
    ...whole,
    report: {
      ...report,
      layers: [],
      nodes: { ...nodes, float: [] },
      search: search === null ? null : { ...search, tries: [] },
    },
  };
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
