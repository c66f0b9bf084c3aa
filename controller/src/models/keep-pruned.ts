import { mkdtemp, rm } from "node:fs/promises";
import path from "node:path";
import type { Model } from "@edgewatt/registry";
import { dataDir } from "@edgewatt/runtime";
import type { PrunedModel } from "../client/prune.ts";
import { saveResultFile } from "../client/result-files.ts";
import { defined } from "../defined.ts";
import { addFile } from "./add-file.ts";

/** Fetches a model that a device has pruned, and adds it to the registry with its lineage; of one that does not arrive whole nothing is kept. */
export async function keepPruned(
  data: string,
  { source, result: { artifact } }: Pick<PrunedModel, "source" | "result">,
  { name = artifact.name, signal }: { readonly name?: string | undefined; readonly signal: AbortSignal },
): Promise<Model> {
  const folder = await mkdtemp(path.join(await dataDir(path.join(data, "models")), ".fetched-"));
  try {
    const file = path.join(folder, "model.onnx");
    await saveResultFile(artifact, file, signal);
    const { pruning, fineTuneEpochs, lineage, mean, std } = artifact;
    const { architecture, labels } = source;
    const facts = defined({ architecture, labels, pruning, fineTuneEpochs, lineage, mean, std });
    return await addFile(data, file, { name, ...facts });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
