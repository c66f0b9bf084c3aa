import path from "node:path";
import { prunedName } from "@edgewatt/protocol";
import { checkFree, findModels, type Model, readRegistry } from "@edgewatt/registry";
import { offerTo } from "../client/artifacts.ts";
import { withConnection } from "../client/broker.ts";
import { chooseDevices, readFleet } from "../client/fleet.ts";
import { findLocalData } from "../client/inputs.ts";
import { showing } from "../client/job-progress.ts";
import { timeoutSeconds } from "../client/jobs.ts";
import { type PrunedModel, pruneOn, requireCalibration } from "../client/prune.ts";
import { columns } from "../columns.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { UsageError } from "../errors.ts";
import { keepPruned } from "../models/keep-pruned.ts";
import { Progress } from "../progress.ts";
import { pruningRows } from "./prune-report.ts";
import { type PruneCommandOptions, pruneOptionsOf } from "./prune-options.ts";

/** A pruned model in the registry, and how it got there. */
interface Kept extends PrunedModel {
  readonly kept: Model;
}

/** Prunes models on a device, and adds what comes out to the registry; `--local` is another command. */
export async function prune(context: Context, names: readonly string[], options: PruneCommandOptions): Promise<void> {
  const asked = pruneOptionsOf(options);
  const dataFolder = path.resolve(context.cwd, options.data);
  const models = findModels(await readRegistry(dataFolder), names);
  const called = await newNames(models, options.name, (model) => prunedName(model.name, asked));
  const { calibration } = options;
  const data = await findLocalData(context, options);
  for (const model of models) requireCalibration({ model, calibration, data });
  const results = await withConnection(context, options, async (connection) => {
    const { hubUrl, ...fleet } = await readFleet(connection);
    const [device] = chooseDevices({ hubUrl, ...fleet }, options.on === undefined ? undefined : [options.on]);
    if (device === undefined) throw new UsageError("--on names no device: see edgewatt devices");
    using progress = new Progress(context);
    const following = {
      device: device.id,
      offer: offerTo(device, hubUrl),
      hubUrl,
      signal: context.signal,
      timeoutS: timeoutSeconds(options),
      ...showing(progress, device.id),
    };
    const done: Kept[] = [];
    for (const model of models) {
      const pruned = await pruneOn(context, connection, { model, options: asked, calibration, data }, following);
      progress.update(device.id, `${device.id}: fetching ${pruned.result.artifact.name}`);
      const kept = await keepPruned(dataFolder, pruned, { name: called.get(model), signal: context.signal });
      done.push({ ...pruned, kept });
    }
    return done;
  });
  if (options.json === true) return printJson(context, documentOf(results.map(flat)));
  for (const result of results) printResult(context, result);
}

/** What each pruned model will be called, known before anything is done. @throws {UsageError | RegistryError} where it cannot be called that */
async function newNames(
  models: readonly Model[],
  name: string | undefined,
  usual: (model: Model) => string,
): Promise<ReadonlyMap<Model, string>> {
  if (name !== undefined && models.length > 1) {
    throw new UsageError(`--name ${name} is for one model, and ${models.length} are to be pruned: leave it out`);
  }
  const names = new Map(models.map((model) => [model, name ?? usual(model)]));
  for (const [model, own] of names) {
    if (own === model.name) throw new UsageError(`--name ${own} is the model itself: give the pruned one another`);
    await checkFree(own);
  }
  return names;
}

/** The fields of the `--local` document, and where it was done. */
function flat({ device, job, source, result, kept }: Kept) {
  const { report, cached } = result;
  const { name, sha256, lineage } = kept;
  return { ...report, in: source.name, out: kept.path, name, sha256, lineage, device, job, cached };
}

/** Of one model its own document, with `results` beside it, which is there for any number of them. */
function documentOf(results: readonly ReturnType<typeof flat>[]): object {
  return results.length === 1 ? { ...results[0], results } : { results };
}

function printResult(context: Context, { device, result, kept }: Kept): void {
  const head = [kept.name, `on ${device}${result.cached ? " (from its cache)" : ""}`];
  print(context, `${columns(head, pruningRows(result.report))}\n`);
  say(context, `${kept.name} is in the registry: edgewatt benchmark ${kept.name}`);
}
