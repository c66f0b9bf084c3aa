import { freemem } from "node:os";
import {
  type BenchmarkArgs,
  benchmarkArgsSchema,
  counted,
  parseArguments,
  type ResultRow,
  type Results,
} from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import type { JobContext, Operation } from "../jobs/operation.ts";
import { expectedSeconds, makePlan, type Plan } from "../measure/plan.ts";
import { alignmentFlags } from "../measure/flags/alignment.ts";
import { averagingFlags } from "../measure/flags/averaging.ts";
import { precisionFlags } from "../measure/flags/precision.ts";
import { makeRow } from "../measure/row.ts";
import { rowChannels } from "../measure/row-channels.ts";
import { runLoadSteps } from "../runner/load-steps.ts";
import { prepareEntries, type PreparedEntries, type PreparedEntry } from "./entries.ts";
import { EntryMeasurement, type MeasuredEntry, type MeasuringJob, type WindowProgress } from "./measure-entries.ts";
import { meetMeter } from "./meet-meter.ts";
import { checkMeter, type MeterReport } from "./meter-checks.ts";
import { openObservedModel } from "./observed-model.ts";
import { withoutConflicts } from "./recipe.ts";
import { resultsDocument, temperaturesOf } from "./results-document.ts";
import { rowMeter } from "./row-meter.ts";
import { RowTraces, type FinishedTrace } from "./row-traces.ts";
import { runSummary } from "./run-summary.ts";
import type { Workbench } from "./workbench.ts";

const argsSchema = withoutConflicts(benchmarkArgsSchema, ["options", "quantize"], ({ options }) => options.quantize);

/** Shares of the job's progress at which its parts begin. */
const FROM = { measure: 0.15, accuracy: 0.85 } as const;
const BYTES_PER_MB = 1e6;
const MAX_SEED = 2 ** 31;

/** Measures entries of model and precision in one job; a row of the result per entry. */
export function createBenchmark(bench: Workbench): Operation<BenchmarkArgs> {
  return {
    name: "benchmark",
    parse: (args) => parseArguments(argsSchema, args),
    run: async (args, context) => ({ results: await benchmark(args, bench, context) }),
  };
}

async function benchmark(args: BenchmarkArgs, bench: Workbench, context: JobContext): Promise<Results> {
  const { described, source, rateHz, accumulates } = await meetMeter(bench, context);
  const plan = makePlan({
    options: args.options,
    entries: args.entries.length,
    cores: bench.info().hardware.cores,
    availableMemoryMb: freemem() / BYTES_PER_MB,
    seed: Math.floor(Math.random() * MAX_SEED),
    meter: described && { source, rateHz, accumulates, averagingUs: described.averagingUs },
  });
  context.event("info", announcement(plan, args.entries.length));
  const prepared = await prepareEntries(args, bench, context, (step, detail, share) =>
    context.progress({ step, detail, share: share * FROM.measure }),
  );
  try {
    const meter = await checkPower({ args, plan, prepared }, bench, context);
    await using traces = new RowTraces(prepared.entries, bench);
    const measured = await measure({ args, plan, prepared, traces }, bench, context);
    const rows: ResultRow[] = [];
    for (const [index, entry] of prepared.entries.entries()) {
      const traced = await traces.finish(entry, args.upload, context);
      rows.push(rowOf(entry, measured[index], { meter, plan, bench, traced }));
    }
    const nowUs = bench.clock.monotonicUs();
    for (const row of rows) {
      bench.telemetry.record(
        "summary",
        `run_summary/${row.model}/${row.precision}`,
        nowUs,
        runSummary(row, bench.power.source),
      );
    }
    await bench.telemetry.settle();
    return resultsDocument(rows, { plan, prepared, measured, meter, bench });
  } finally {
    bench.sampler.setRate("idle");
  }
}

function checkPower(
  { args, plan, prepared }: { args: BenchmarkArgs; plan: Plan; prepared: PreparedEntries },
  bench: Workbench,
  context: JobContext,
): Promise<MeterReport> {
  const [entry] = prepared.entries;
  if (entry === undefined) throw new JobError("a benchmark has entries", { code: "internal" });
  const openModel = () => openObservedModel(entry, plan, { bench, context });
  return checkMeter(args.options, { ...bench, info: () => bench.info(), loadSteps: runLoadSteps, openModel }, context);
}

function announcement(plan: Plan, entries: number): string {
  const { windows, maxWindows, windowS, budgetS } = plan;
  const expectedS = Math.round(expectedSeconds(plan, entries));
  const more = maxWindows > windows ? `, up to ${maxWindows} windows within ${budgetS} s where figures spread` : "";
  return `${counted(entries, "entry", "entries")}, ${counted(windows, "window")} of ${windowS} s each: about ${expectedS} s${more}, besides quantization and accuracy`;
}

function measure(
  work: { args: BenchmarkArgs; plan: Plan; prepared: PreparedEntries; traces: RowTraces },
  bench: Workbench,
  context: JobContext,
): Promise<readonly MeasuredEntry[]> {
  const { plan, prepared, traces } = work;
  const { entries } = prepared;
  const onWindow = ({ entry, block, blocks, share }: WindowProgress) => {
    context.progress({
      step: "measure",
      detail: `${entry.model.name} ${entry.precision}, block ${block} of ${blocks}`,
      share: FROM.measure + share * (FROM.accuracy - FROM.measure),
    });
  };
  context.progress({ step: "load", detail: counted(entries.length, "entry", "entries"), share: FROM.measure });
  const accuracyOf = accuracyMeter(work, context);
  return new EntryMeasurement({ entries, plan, accuracyOf, onWindow, traces }, bench, context).run();
}

/** How accuracy is measured, or why there is none. */
function accuracyMeter(
  { args, plan, prepared }: { args: BenchmarkArgs; plan: Plan; prepared: PreparedEntries },
  context: JobContext,
): MeasuringJob["accuracyOf"] {
  const { entries, evaluationPath } = prepared;
  if (evaluationPath === undefined || args.evaluation?.kind !== "cifar") {
    return "no labelled data set; `edgewatt datasets fetch cifar10` fetches one";
  }
  if (plan.accuracyImages === 0) return "not asked for";
  const images = plan.accuracyImages ?? Number.MAX_SAFE_INTEGER;
  let entriesDone = 0;
  return async ({ model: { mean, std, name }, precision }, runner) => {
    try {
      const accuracy = await runner.accuracy({ path: evaluationPath, images, mean, std }, (share) => {
        const done = FROM.accuracy + ((entriesDone + share) / entries.length) * (1 - FROM.accuracy);
        context.progress({ step: "accuracy", detail: `${name} ${precision}`, share: done });
      });
      entriesDone += 1;
      return accuracy;
    } catch (error) {
      // A model that does not fit the set keeps its other figures.
      if (error instanceof JobError && /^(data-|input-|no-)/.test(error.code)) return error.message;
      throw error;
    }
  };
}

function rowOf(
  entry: PreparedEntry,
  measured: MeasuredEntry | undefined,
  { meter, plan, bench, traced }: { meter: MeterReport; plan: Plan; bench: Workbench; traced: FinishedTrace },
): ResultRow {
  if (measured?.end === undefined) throw new JobError(`${entry.run} was not measured`, { code: "internal" });
  const { accuracy, steady, windows, baselineMb, sessionMb, pssMb, end } = measured;
  const { source, channel } = bench.power;
  const { described, accumulates } = bench.sampler.channel(channel);
  const flags = [
    ...traced.flags,
    ...precisionFlags(end),
    ...alignmentFlags(source, meter),
    ...averagingFlags(described && { averagingUs: described.averagingUs, accumulates }, plan),
  ];
  if (!steady) flags.push(`not-steady: latency still changed after ${plan.warmUp.capS} s of warm-up`);
  if (typeof accuracy === "string") flags.push(`accuracy: ${accuracy}`);
  if (entry.report?.calibration.kind === "synthetic") flags.push("calibration: synthetic images");
  const { pruning = null, fineTuneEpochs = null } = entry.model;
  if (pruning === null || fineTuneEpochs === null)
    flags.push("lineage: pruning and fine-tuning are not stated for this model");
  if (entry.feeds.length === 0) flags.push("inputs: a fixed pattern, the model takes no images");
  const row = makeRow(
    {
      device: bench.device,
      run: entry.run,
      model: entry.model.name,
      precision: entry.precision,
      pruning,
      fineTuneEpochs,
      params: entry.params,
      fileBytes: entry.fileBytes,
      baselineMb,
      sessionMb,
      pssMb,
      accuracyPct: typeof accuracy === "string" ? null : (100 * accuracy.correct) / accuracy.images,
      source: bench.power.source,
      meter: rowMeter(bench),
      trace: traced.trace,
      flags,
    },
    windows,
    plan,
  );
  const { channelBlock } = bench.info().hardware;
  return {
    ...row,
    temperatureC: temperaturesOf(windows),
    ...(entry.model.lineage === undefined ? {} : { lineage: entry.model.lineage }),
    ...(channelBlock === undefined ? {} : { channels: rowChannels(entry.convs, channelBlock) }),
  };
}
