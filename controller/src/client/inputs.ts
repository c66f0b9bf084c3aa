import { stat } from "node:fs/promises";
import path from "node:path";
import type { Artifact, Calibration, ModelArtifact } from "@edgewatt/protocol";
import { artifactFacts, type Model } from "@edgewatt/registry";
import { findLocalData as findDataIn, type LocalData } from "@edgewatt/registry/datasets";
import type { Context } from "../context.ts";
import { CATALOGUE, CIFAR10, CIFAR10_CALIBRATION, CIFAR10_EVALUATION } from "../datasets/catalogue.ts";
import { searchPath } from "../datasets/find.ts";
import { UsageError } from "../errors.ts";
import type { DataOption, DatasetsOption } from "../options.ts";
import type { Offer } from "./artifacts.ts";

export { takesCifar, type LocalData } from "@edgewatt/registry/datasets";

export async function findLocalData(context: Context, options: DataOption & DatasetsOption): Promise<LocalData> {
  return findDataIn(searchPath(context, options));
}

export async function modelArtifact(offer: Offer, model: Model): Promise<ModelArtifact> {
  return { ...(await offer(model.path, "model", model.name)), ...artifactFacts(model) };
}

export async function evaluationArtifact(offer: Offer, data: LocalData): Promise<Artifact | undefined> {
  const { evaluationFile } = data;
  return evaluationFile === undefined
    ? undefined
    : await offer(evaluationFile, "cifar", `${CIFAR10.name}/${CIFAR10_EVALUATION}`);
}

/** What `--calibration` names; without it CIFAR-10 where it is here and fits, else synthetic images. */
export async function calibrationFor(
  context: Context,
  { what, data, fits, offer }: { what: string | undefined; data: LocalData; fits: boolean; offer: Offer },
): Promise<Calibration> {
  const cifar = fits || what !== undefined ? data.calibrationFile : undefined;
  if (what === "synthetic" || (what === undefined && cifar === undefined)) return { kind: "synthetic" };
  if (what === undefined || what === CIFAR10.name) {
    if (cifar !== undefined) return offer(cifar, "cifar", `${CIFAR10.name}/${CIFAR10_CALIBRATION}`);
    throw new UsageError(
      `data set ${CIFAR10.name} is not here: download it with \`edgewatt datasets fetch ${CIFAR10.name}\`, or name its parent folder with --datasets`,
    );
  }
  const file = path.resolve(context.cwd, what);
  if (!(await isFile(file))) {
    throw new UsageError(
      `--calibration ${what}: no such file or data set; give a CIFAR binary file, a .npy file, synthetic, or a data set: ${CATALOGUE.map(({ name }) => name).join(", ")}`,
    );
  }
  return offer(file, file.endsWith(".npy") ? "npy" : "cifar", path.basename(file));
}

export async function isFile(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch {
    // Not there, or behind something that is no folder.
    return false;
  }
}
