import { mkdtemp, rm } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import {
  counted,
  type Layers,
  type PruneOptions,
  type Results,
  sensitivityOptionsSchema,
  type Study,
} from "@edgewatt/protocol";
import { studyFindings, writeReport } from "@edgewatt/report";
import { EXIT, type MqttConnection } from "@edgewatt/runtime";
import { offerTo } from "../client/artifacts.ts";
import { knownBroker, withConnection } from "../client/broker.ts";
import { compareLayers } from "../client/compare-layers.ts";
import { chooseDevices, type Device, readFleet } from "../client/fleet.ts";
import { modelArtifact, takesCifar } from "../client/inputs.ts";
import { timeoutSeconds } from "../client/jobs.ts";
import { accuracyImagesOf, measure, type MeasureOptions, requireAccuracy } from "../client/measure.ts";
import { type Context, print, printJson, say } from "../context.ts";
import { UsageError } from "../errors.ts";
import type { BrokerOption, DatasetsOption } from "../options.ts";
import { withPrivateStack } from "../stack/private-stack.ts";
import { expectation } from "../study/expected-time.ts";
import { planStudy, type StudyPlan } from "../study/plan.ts";
import { pruneVariants } from "../study/prune-variants.ts";
import { checkReportFolder } from "../study/report-folder.ts";
import { type ModelOptions, openStudiedModel, type StudiedModel } from "../study/studied-model.ts";
import { openStudyImages, type StudyImages } from "../study/study-images.ts";
import { printResults } from "./benchmark.ts";

interface StudyOptions extends BrokerOption, DatasetsOption, ModelOptions, MeasureOptions {
  readonly on?: readonly string[];
  readonly fractions: readonly number[];
  readonly align: readonly string[];
  readonly by: PruneOptions["by"];
  readonly allocate: PruneOptions["allocate"];
  readonly calibration?: string;
  readonly images?: number;
  readonly sensitivity?: true;
  readonly out?: string;
  /** Another name of `windows`. */
  readonly repeat?: number;
  /** In minutes. */
  readonly budget?: number;
  readonly failOnFlags?: true;
}

/** All that a study needs, checked before anything is published. */
interface Prepared {
  readonly plan: StudyPlan;
  readonly studied: StudiedModel;
  readonly images: StudyImages;
  /** The folder of the report. */
  readonly out: string;
  readonly options: StudyOptions;
}

/** Where a study runs. */
interface Place {
  readonly connection: MqttConnection;
  readonly devices: readonly Device[];
  readonly hubUrl: string | undefined;
}

interface Outcome {
  readonly results: Results;
  readonly layers: Layers | undefined;
}

/**
 * Prunes a model by several fractions, quantizes and measures all of it in one job for each device, and writes a report. Without a broker it
 * starts a stack of its own, as the demo does.
 * @returns the exit code: 1 where a fraction could not be pruned, the others being there
 */
export async function study(context: Context, name: string, options: StudyOptions): Promise<number> {
  const plan = planStudy(options);
  const scratch = await mkdtemp(path.join(os.tmpdir(), "edgewatt-study-"));
  try {
    const studied = await openStudiedModel(context, name, options, scratch);
    const out = path.resolve(context.cwd, options.out ?? path.join("reports", `study-${studied.model.name}`));
    await checkReportFolder(out);
    const images = await openStudyImages(context, studied, options, { scratch, repairs: plan.variants.length > 0 });
    requireAccuracy(options, hasLabels(studied, images));
    return await report(context, { plan, studied, images, out, options });
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

function hasLabels({ model }: StudiedModel, { data }: StudyImages): boolean {
  return takesCifar(model) && data.evaluationFile !== undefined;
}

async function report(context: Context, prepared: Prepared): Promise<number> {
  const { options, out } = prepared;
  const { results, layers } = await whereItRuns(context, prepared);
  // Shown first: a folder that became full or unwritable meanwhile must not cost what took long to measure.
  if (options.json === true) printJson(context, { ...results, report: out });
  else {
    printResults(context, results);
    for (const { about, text } of studyFindings(results)) print(context, `${about}. ${text}\n`);
  }
  await writeReport(out, results, layers);
  if (options.json !== true) say(context, `Report: ${path.join(out, "report.md")}`);
  const failed = results.study?.failed.length ?? 0;
  if (failed > 0) say(context, `edgewatt: ${counted(failed, "model")} could not be pruned: see the report`);
  const flagged = options.failOnFlags === true && results.rows.some(({ flags }) => flags.length > 0);
  if (flagged) say(context, "edgewatt: rows carry flags (--fail-on-flags): see the table");
  return failed > 0 || flagged ? EXIT.failed : EXIT.ok;
}

async function whereItRuns(context: Context, prepared: Prepared): Promise<Outcome> {
  const { options } = prepared;
  if (options.on !== undefined || (await knownBroker(context, options)) !== undefined) {
    return withConnection(context, options, async (connection) => {
      const fleet = await readFleet(connection);
      const devices = chooseDevices(fleet, options.on);
      announce(context, prepared, devices);
      return run(context, prepared, { connection, devices, hubUrl: fleet.hubUrl });
    });
  }
  say(context, "No stack runs here, so the study starts one of its own, and ends it afterwards.");
  const flags = { data: options.data, logLevel: "warn" };
  const { value } = await withPrivateStack(context, flags, ({ connection, device, hubUrl, ready }) => {
    announce(context, prepared, [device]);
    if (options.json !== true) say(context, `Live page: ${ready.hub}`);
    return run(context, prepared, { connection, devices: [device], hubUrl });
  });
  return value;
}

function announce(context: Context, { plan, studied, images, options }: Prepared, devices: readonly Device[]): void {
  const accuracyImages = hasLabels(studied, images) ? accuracyImagesOf(options) : 0;
  say(context, expectation(plan, { ...options, images: images.images, accuracyImages }, devices.length));
  if (images.kind === "synthetic" && plan.variants.length > 0) {
    say(
      context,
      "warning: repaired from synthetic images, which say less than yours would: name some with --calibration",
    );
  }
}

async function run(context: Context, prepared: Prepared, { connection, devices, hubUrl }: Place): Promise<Outcome> {
  const { plan, studied, images, options } = prepared;
  const [first] = devices;
  if (first === undefined) throw new UsageError("--on names no device: see edgewatt devices");
  const recipe = { by: options.by, allocate: options.allocate };
  const offer = offerTo(first, hubUrl);
  const timeoutS = timeoutSeconds(options);
  const { variants } = plan;
  const pruned = await pruneVariants(context, connection, {
    device: first,
    hubUrl,
    offer,
    studied,
    images,
    variants,
    recipe,
    timeoutS,
  });
  const { budget } = options;
  const windows = options.repeat ?? options.windows;
  const measured = await measure(context, connection, {
    devices,
    hubUrl,
    models: {
      takeCifar: takesCifar(studied.model),
      offerTo: async (offerHere) => [
        ...(plan.unpruned ? [await modelArtifact(offerHere, studied.model)] : []),
        ...pruned.models,
      ],
    },
    data: images.data,
    calibration: images.what,
    options: {
      ...options,
      precisions: plan.precisions,
      ...(windows === undefined ? {} : { windows }),
      ...(budget === undefined ? {} : { budgetS: budget * 60 }),
    },
  });
  const layers =
    options.sensitivity === true
      ? await compareLayers(context, connection, {
          device: first,
          hubUrl,
          model: studied.model,
          data: images.data,
          calibration: images.what,
          options: sensitivityOptionsSchema.parse({}),
          timeoutS,
        })
      : undefined;
  const facts: Study = {
    model: studied.model.name,
    ...recipe,
    repair: pruned.models.length === 0 ? null : { kind: images.kind, images: images.images },
    variants: pruned.variants,
    failed: pruned.failed,
  };
  return { results: { ...measured, study: facts }, layers };
}
