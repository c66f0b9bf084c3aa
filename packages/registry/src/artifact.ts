import type { ModelArtifact, Precision } from "@edgewatt/protocol";
import type { Model } from "./registry.ts";

/** A file of a model in the registry. */
export interface ModelFile {
  readonly precision: Precision;
  readonly path: string;
  readonly sha256: string;
  readonly bytes: number;
}

/** The files that the registry keeps of a model. The int8 form is no file here: each device makes its own, for its processor. */
export function filesOf({ path, sha256, bytes }: Model): readonly ModelFile[] {
  return [{ precision: "fp32", path, sha256, bytes }];
}

/** What the registry knows of a model beyond its bytes: it goes into the commands that name the model, and from there into results. */
export function artifactFacts(
  model: Model,
): Pick<ModelArtifact, "params" | "pruning" | "fineTuneEpochs" | "mean" | "std" | "lineage"> {
  const { params, pruning, fineTuneEpochs, input, lineage } = model;
  return {
    params,
    ...(pruning === undefined ? {} : { pruning }),
    ...(fineTuneEpochs === undefined ? {} : { fineTuneEpochs }),
    ...(input.mean === undefined ? {} : { mean: input.mean }),
    ...(input.std === undefined ? {} : { std: input.std }),
    ...(lineage === undefined ? {} : { lineage }),
  };
}
