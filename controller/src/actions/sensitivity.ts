import path from "node:path";
import type { Artifact, Layers, SensitivityOptions } from "@edgewatt/protocol";
import { findModel, readRegistry } from "@edgewatt/registry";
import { renderLayers, writeLayersReport } from "@edgewatt/report";
import type { MqttConnection } from "@edgewatt/runtime";
import type { Offer } from "../client/artifacts.ts";
import { withConnection } from "../client/broker.ts";
import { compareLayers } from "../client/compare-layers.ts";
import { chooseDevices, readFleet } from "../client/fleet.ts";
import { evaluationArtifact, findLocalData, isFile } from "../client/inputs.ts";
import { timeoutSeconds } from "../client/jobs.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { CIFAR10 } from "../datasets/catalogue.ts";
import { defined } from "../defined.ts";
import { UsageError } from "../errors.ts";
import { recipeOf } from "./quantize-options.ts";
import type { SensitivityCommandOptions } from "./sensitivity-options.ts";

const DEFAULT_IMAGES = 256;
const DEFAULT_EVALUATION_IMAGES = 1000;
const DEFAULT_WINDOWS = 3;

/** Importance of each layer of a model relative to the others. */
export async function sensitivity(context: Context, model: string, options: SensitivityCommandOptions): Promise<void> {
  const layers =
    options.local === true
      ? await (await import("./sensitivity-local.ts")).compareLocally(context, model, options)
      : await withConnection(context, options, (connection) => compareOnDevice(context, connection, model, options));
  const out = path.resolve(context.cwd, options.report ?? path.join("reports", `layers-${layers.model}`));
  const files = await writeLayersReport(out, layers);
  if (options.json === true) return printJson(context, { ...layers, out, files });
  print(context, renderLayers(layers, context.stdout.columns === undefined ? {} : { width: context.stdout.columns }));
  say(context, `Report: ${path.join(out, "layers.md")}`);
}

async function compareOnDevice(
  context: Context,
  connection: MqttConnection,
  name: string,
  options: SensitivityCommandOptions,
): Promise<Layers> {
  const { mean, std, inputShape, on } = options;
  if ([mean, std, inputShape].some((option) => option !== undefined)) {
    throw new UsageError(
      "--mean, --std and --input-shape go with --local: add it, or leave them out (a model of the registry brings its own normalization)",
    );
  }
  const recipe = recipeOf(options);
  const model = findModel(await readRegistry(path.resolve(context.cwd, options.data)), name);
  const fleet = await readFleet(connection);
  const [device] = chooseDevices(fleet, on === undefined ? undefined : [on]);
  if (device === undefined) throw new UsageError("--on names no device: see edgewatt devices");
  return compareLayers(context, connection, {
    device,
    hubUrl: fleet.hubUrl,
    model,
    data: await findLocalData(context, options),
    calibration: options.calibration,
    evaluation: (offer) => evaluationFor(context, options, offer),
    options: { ...jobOptions(options), ...recipe },
    timeoutS: timeoutSeconds(options),
  });
}

/** What `--evaluation` names; test images are taken only where it names them. */
async function evaluationFor(
  context: Context,
  options: SensitivityCommandOptions,
  offer: Offer,
): Promise<Artifact | undefined> {
  const { evaluation } = options;
  if (evaluation === undefined) return undefined;
  if (evaluation === CIFAR10.name) {
    const artifact = await evaluationArtifact(offer, await findLocalData(context, options));
    if (artifact !== undefined) return artifact;
    throw new UsageError(
      `data set ${evaluation} is not here: download it with \`edgewatt datasets fetch ${evaluation}\`, or name its parent folder with --datasets`,
    );
  }
  const file = path.resolve(context.cwd, evaluation);
  if (!(await isFile(file))) {
    throw new UsageError(
      `--evaluation ${evaluation}: no such file; give a CIFAR binary file, a .npy file or ${CIFAR10.name}`,
    );
  }
  return offer(file, file.endsWith(".npy") ? "npy" : "cifar", path.basename(file));
}

function jobOptions(options: SensitivityCommandOptions): SensitivityOptions {
  const { images, evaluationImages, threads, windows, windowS, idleS } = options;
  return {
    images: images ?? DEFAULT_IMAGES,
    evaluationImages: evaluationImages ?? DEFAULT_EVALUATION_IMAGES,
    windows: windows ?? DEFAULT_WINDOWS,
    ...defined({ windowS, idleS, threads }),
  };
}
