import type { Artifact, ModelArtifact } from "./artifact.ts";
import type { Precision } from "./results.ts";

/** A model that can be run. */
export interface CatalogueModel {
  readonly name: string;
  /** The zoo comes with edgewatt, the others were added to the data folder. */
  readonly origin: "zoo" | "added";
  readonly params: number;
  /** Fraction of the channels that were pruned; `null` where nobody told. */
  readonly pruning: number | null;
  /** In which it can be measured; a device makes an int8 form itself. */
  readonly precisions: readonly Precision[];
  readonly artifact: ModelArtifact;
  /** The name of the data set whose images it takes and whose classes it tells apart. */
  readonly dataset: string | null;
}

/** What a job can be made of, as the hub's `/api/models` shows it; each file is an artifact that devices fetch from the hub. */
export interface Catalogue {
  readonly models: readonly CatalogueModel[];
  /** The data sets that were found, by name. */
  readonly datasets: Readonly<
    Record<string, { readonly calibration: Artifact | null; readonly evaluation: Artifact | null }>
  >;
  /** Where devices put the files of their results. */
  readonly upload: string;
}
