import { pathToFileURL } from "node:url";
import type { Calibration, LineageStep, ModelArtifact } from "@edgewatt/protocol";
import type { JobContext } from "../jobs/operation.ts";
import type { MadeModel } from "../models/made.ts";
import type { Workbench } from "./workbench.ts";

/** Distributes over the kinds of steps. */
type Own<S> = S extends unknown ? Omit<S, "from" | "calibration" | "created" | "device"> : never;

export interface Publication {
  /** What it was made of. */
  readonly model: ModelArtifact;
  readonly calibration: Calibration;
  /** What the new model is called, and what is known of it that does not hold for the one that it was made of. */
  readonly facts: Pick<ModelArtifact, "name"> & Partial<ModelArtifact>;
  /** How it was made. */
  readonly step: Own<LineageStep>;
  readonly upload: string | undefined;
}

/**
 * A model that was made here as a result names it: at the hub where there is one, else on this device.
 * @param share of the job that is done when the upload begins
 */
export async function publishModel(
  made: MadeModel<{ readonly calibration: { readonly images: number } }>,
  { model, calibration, facts, step, upload }: Publication,
  { bench, context, share }: { bench: Workbench; context: JobContext; share: number },
): Promise<ModelArtifact> {
  const { path, sha256, bytes, created, report } = made;
  let url = pathToFileURL(path).href;
  if (upload !== undefined) {
    context.progress({ step: "upload", detail: model.name, share });
    url = await bench.store.upload(path, sha256, upload, context.signal);
  }
  const lineageStep = {
    ...step,
    from: { name: model.name, sha256: model.sha256 },
    calibration: { kind: calibration.kind, images: report.calibration.images, sha256: digestOf(calibration) },
    created,
    device: bench.device,
  } as LineageStep;
  return { ...model, ...facts, url, sha256, bytes, lineage: [...(model.lineage ?? []), lineageStep] };
}

function digestOf(calibration: Calibration): string | null {
  return calibration.kind === "synthetic" ? null : calibration.sha256;
}
