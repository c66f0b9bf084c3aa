import { freemem } from "node:os";
import {
  layersDocument,
  parseArguments,
  sensitivityArgsSchema,
  sensitivityRecipeSchema,
  type Layers,
  type ModelEnergy,
  type SensitivityArgs,
  type SensitivityReport,
  type SensitivityResult,
} from "@edgewatt/protocol";
import type { JobContext, Operation } from "../jobs/operation.ts";
import { makePlan, type Plan } from "../measure/plan.ts";
import { makeRow } from "../measure/row.ts";
import { ModelWorker } from "../models/worker.ts";
import type { Columns } from "../telemetry/batches/batcher.ts";
import { digestsOf, fetchCalibration } from "./calibration.ts";
import { prepareEntries, type PreparedEntries } from "./entries.ts";
import { EntryMeasurement } from "./measure-entries.ts";
import { withoutConflicts } from "./recipe.ts";
import { rowMeter } from "./row-meter.ts";
import { toldResult } from "./told-result.ts";
import type { Workbench } from "./workbench.ts";

const argsSchema = withoutConflicts(sensitivityArgsSchema, ["options"], ({ options }) => options);

/** Shares of the job's progress at which its parts begin. */
const FROM = { energy: 0.15, calibrate: 0.4, profile: 0.45, layers: 0.5 } as const;
const BYTES_PER_MB = 1e6;
const PRECISIONS = ["fp32", "int8"] as const;

/** Energies of the whole model, and what a reader must know of them. */
interface Energies {
  readonly energy: Layers["energy"];
  readonly flags: readonly string[];
}

/** Compares the layers of a model: by weights, time, energy apportioned by time, noise and accuracy. */
export function createSensitivity(bench: Workbench): Operation<SensitivityArgs> {
  return {
    name: "sensitivity",
    parse: (args) => parseArguments(argsSchema, args),
    async run(args, context): Promise<SensitivityResult> {
      const plan = planFor(args, bench);
      const prepared = await prepare(args, bench, context);
      try {
        const energies = await measureEnergies(args, { plan, prepared }, bench, context);
        const report = await compareLayers(args, { plan, prepared }, bench, context);
        const layers = layersDocument(report, {
          created: new Date(bench.clock.nowUs() / 1000).toISOString(),
          device: bench.device,
          model: args.model.name,
          ...energies,
        });
        record(layers, bench, context);
        await bench.telemetry.settle();
        const name = `${args.model.name}-layers.json`;
        return await toldResult(layers, { name, summarize, upload: args.upload }, bench, context);
      } finally {
        bench.sampler.setRate("idle");
      }
    },
  };
}

/** Without what grows with the model. */
function summarize(whole: Layers): Layers {
  return { ...whole, layers: [], flags: whole.flags.filter((flag) => !flag.startsWith("float: ")) };
}

/** Quick windows: the energy is that of the whole model, and the layers' shares of time are coarser than its repetition. */
function planFor({ options }: SensitivityArgs, bench: Workbench): Plan {
  const { windows, windowS, idleS, threads } = options;
  return makePlan({
    options: {
      quick: true,
      spinning: false,
      strict: false,
      accuracyImages: 0,
      windows: Math.max(1, windows),
      ...(windowS === undefined ? {} : { windowS }),
      ...(idleS === undefined ? {} : { idleS }),
      ...(threads === undefined ? {} : { threads }),
    },
    entries: PRECISIONS.length,
    cores: bench.info().hardware.cores,
    availableMemoryMb: freemem() / BYTES_PER_MB,
    seed: 0,
  });
}

/** Both precisions as they would be deployed: the int8 model is what a `quantize` job gives, and cached like it. */
function prepare(args: SensitivityArgs, bench: Workbench, context: JobContext): Promise<PreparedEntries> {
  const { model, calibration, evaluation, options } = args;
  return prepareEntries(
    {
      entries: PRECISIONS.map((precision) => ({ model, precision })),
      calibration,
      ...(evaluation === undefined ? {} : { evaluation }),
      options: { quick: true, spinning: false, strict: false, quantize: options },
    },
    bench,
    context,
    (step, detail, share) => context.progress({ step, detail, share: share * FROM.energy }),
  );
}

async function measureEnergies(
  { options }: SensitivityArgs,
  { plan, prepared }: { plan: Plan; prepared: PreparedEntries },
  bench: Workbench,
  context: JobContext,
): Promise<Energies> {
  const { entries } = prepared;
  if (options.windows === 0) {
    return { energy: { source: null, int8: null, float: null }, flags: ["energy: not asked for (0 windows)"] };
  }
  const measured = await new EntryMeasurement(
    {
      entries,
      plan,
      accuracyOf: "not asked for",
      onWindow: ({ entry: { model, precision }, block, blocks, share }) =>
        context.progress({
          step: "measure",
          detail: `${model.name} ${precision}, block ${block} of ${blocks}`,
          share: FROM.energy + share * (FROM.calibrate - FROM.energy),
        }),
    },
    bench,
    context,
  ).run();
  const flags = new Set<string>();
  const found = entries.map(({ run, model, precision, params, fileBytes }, index): ModelEnergy | null => {
    const { windows = [], baselineMb = Number.NaN, sessionMb = Number.NaN } = measured[index] ?? {};
    const facts = { device: bench.device, run, model: model.name, precision, params, fileBytes, baselineMb, sessionMb };
    const unknown = { pruning: null, fineTuneEpochs: null, accuracyPct: null, trace: null, flags: [] };
    const power = { source: bench.power.source, meter: rowMeter(bench) };
    const row = makeRow({ ...facts, ...unknown, ...power }, windows, plan);
    // Percentiles are of single inferences, of which this document says nothing.
    for (const flag of row.flags) if (!flag.startsWith("percentiles: ")) flags.add(flag);
    const { gross, grossHalfWidth95 } = row.energyMj;
    if (gross === null) return null;
    return { grossMj: gross, grossHalfWidth95, windows: windows.length, windowS: plan.windowS, run };
  });
  const [float = null, int8 = null] = found;
  return { energy: { source: bench.power.source, int8, float }, flags: [...flags] };
}

async function compareLayers(
  args: SensitivityArgs,
  { plan, prepared }: { plan: Plan; prepared: PreparedEntries },
  bench: Workbench,
  context: JobContext,
): Promise<SensitivityReport> {
  const { model, options } = args;
  const keep = digestsOf(model, args.calibration, args.evaluation);
  const modelPath = await bench.store.fetch(model, keep, context.signal);
  const calibration = await fetchCalibration(args.calibration, keep, bench, context);
  const ends = { calibrate: FROM.profile, profile: FROM.layers, layers: 1 };
  await using worker = new ModelWorker(context.signal, bench.cores.runner);
  const { report } = await worker.sensitivity(
    {
      input: modelPath,
      source: { what: calibration.what, seed: calibration.seed, mean: model.mean, std: model.std },
      images: options.images,
      evaluation: prepared.evaluationPath,
      evaluationImages: options.evaluationImages,
      recipe: sensitivityRecipeSchema.parse(options),
      threads: plan.threads,
    },
    ({ step, share }) =>
      context.progress({ step, detail: model.name, share: FROM[step] + share * (ends[step] - FROM[step]) }),
  );
  return report;
}

/** A point of measurement `layer` for each layer and precision. */
function record({ layers, model }: Layers, bench: Workbench, { job }: JobContext): void {
  const nowUs = bench.clock.monotonicUs();
  const add = (precision: string, index: number, columns: Columns): void =>
    bench.telemetry.record("summary", `layer/${precision}`, nowUs + index, { model, precision, run: job, ...columns });
  for (const layer of layers) {
    const { index, name, weightsPct, timePct, energyPct, floatTimePct, floatEnergyMj, sqnrDb, accuracyDropPt } = layer;
    const common = { layer: name, index, weightsPct };
    add("int8", index, { ...common, timePct, energyPct, sqnrDb, accuracyDropPt });
    add("fp32", index, {
      ...common,
      timePct: floatTimePct,
      energyPct: floatEnergyMj === null ? null : floatTimePct,
      sqnrDb: null,
      accuracyDropPt: null,
    });
  }
}
