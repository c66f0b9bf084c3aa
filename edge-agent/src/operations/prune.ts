import {
  parseArguments,
  pruneArgsSchema,
  prunedName,
  totalPruning,
  type PruneArgs,
  type PruneResult,
} from "@edgewatt/protocol";
import { PRUNER_VERSION } from "@edgewatt/pruner/version";
import type { Operation } from "../jobs/operation.ts";
import { PRUNING } from "../models/pruning.ts";
import { fetchInputs } from "./calibration.ts";
import { publishModel } from "./publish-model.ts";
import { toldResult } from "./told-result.ts";
import type { Workbench } from "./workbench.ts";

/** Shares of the job's progress at which its parts begin. */
const FROM = { prune: 0.05, upload: 0.95 } as const;

/** Takes channels out of a model here, and uploads what is left. */
export function createPrune(bench: Workbench): Operation<PruneArgs> {
  return {
    name: "prune",
    parse: (args) => parseArguments(pruneArgsSchema, args),
    async run(args, context): Promise<PruneResult> {
      const { model, options, upload } = args;
      const { fraction, align, by, allocate, images, mean = model.mean, std = model.std, inputShape } = options;
      const recipe = { fraction, align, by, allocate };
      const { modelPath, calibration } = await fetchInputs(args, bench, context);
      const { what, identity, seed } = calibration;
      const pruned = await bench.made.get(
        PRUNING,
        {
          modelSha256: model.sha256,
          calibration: identity,
          names: { model: model.name, calibration: calibration.name },
          request: { input: modelPath, source: { what, seed, mean, std, inputShape }, images, recipe },
        },
        {
          signal: context.signal,
          onProgress: ({ step, share }) =>
            context.progress({
              step,
              detail: model.name,
              share: FROM.prune + share * (FROM.upload - FROM.prune),
            }),
        },
      );
      const { report, cached } = pruned;
      const artifact = await publishModel(
        pruned,
        {
          model,
          calibration: args.calibration,
          facts: {
            name: prunedName(model.name, recipe),
            params: report.params.after,
            pruning: totalPruning(model, fraction),
            fineTuneEpochs: 0,
            ...(mean === undefined ? {} : { mean }),
            ...(std === undefined ? {} : { std }),
          },
          step: { op: "prune", ...recipe, version: PRUNER_VERSION },
          upload,
        },
        { bench, context, share: FROM.upload },
      );
      const whole = { model: model.name, artifact, report, cached };
      return toldResult(whole, { name: `${artifact.name}.json`, summarize, upload }, bench, context);
    },
  };
}

/** Without what grows with the model. */
function summarize(whole: PruneResult): PruneResult {
  return { ...whole, report: { ...whole.report, channels: [], left: [] } };
}
