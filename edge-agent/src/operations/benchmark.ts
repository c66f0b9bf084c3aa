import { freemem } from "node:os";
import {
  benchmarkArgsSchema,
  parseArguments,
  RESULTS_SCHEMA,
  type BenchmarkArgs,
  type DeviceInfo,
  type ResultDevice,
  type ResultMethod,
  type ResultRow,
  type Results,
} from "@edgewatt/protocol";
import { JobError } from "../errors.ts";
import type { JobContext, Operation } from "../jobs/operation.ts";
import { expectedSeconds, makePlan, type Plan } from "../measure/plan.ts";
import { compareRows } from "../measure/comparisons.ts";
import { makeRow } from "../measure/row.ts";
import type { Accuracy } from "../runner/messages.ts";
import type { Runner } from "../runner/runner.ts";
import { prepareEntries, type PreparedEntries, type PreparedEntry } from "./entries.ts";
import { EntryMeasurement, type MeasuredEntry } from "./measure-entries.ts";
import { rowMeter } from "./row-meter.ts";
import { RowTraces } from "./row-traces.ts";
import { runSummary } from "./run-summary.ts";
import type { Workbench } from "./workbench.ts";

/** Shares of the job's progress at which its parts begin. */
const FROM = { measure: 0.15, accuracy: 0.85 } as const;
const BYTES_PER_MB = 1e6;
const MAX_SEED = 2 ** 31;

/** Measures entries of model and precision in one job; a row of the result per entry. */
export function createBenchmark(bench: Workbench): Operation<BenchmarkArgs> {
  return {
    name: "benchmark",
    parse: (args) => parseArguments(benchmarkArgsSchema, args),
    run: async (args, context) => ({ results: await benchmark(args, bench, context) }),
  };
}

async function benchmark(args: BenchmarkArgs, bench: Workbench, context: JobContext): Promise<Results> {
  const plan = makePlan({
    options: args.options,
    entries: args.entries.length,
    cores: bench.info().hardware.cores,
    availableMemoryMb: freemem() / BYTES_PER_MB,
    seed: Math.floor(Math.random() * MAX_SEED),
  });
  const expectedS = Math.round(expectedSeconds(plan, args.entries.length));
  context.event(
    "info",
    `${args.entries.length} entries, ${plan.windows} windows of ${plan.windowS} s each: about ${expectedS} s, besides quantization and accuracy`,
  );
  const prepared = await prepareEntries(args, bench, context, (step, detail, share) =>
    context.progress({ step, detail, share: share * FROM.measure }),
  );
  try {
    await using traces = new RowTraces(prepared.entries, bench);
    const measured = await measure({ args, plan, prepared, traces }, bench, context);
    const rows: ResultRow[] = [];
    for (const [index, entry] of prepared.entries.entries()) {
      const traced = await traces.finish(index, args.upload, context);
      rows.push(rowOf(entry, measured[index], { plan, bench, traced }));
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
    return resultsOf(rows, { plan, prepared, measured, bench });
  } finally {
    bench.sampler.setRate("idle");
  }
}

function measure(
  work: { args: BenchmarkArgs; plan: Plan; prepared: PreparedEntries; traces: RowTraces },
  bench: Workbench,
  context: JobContext,
): Promise<readonly MeasuredEntry[]> {
  const { args, plan, prepared, traces } = work;
  const { entries, evaluationPath } = prepared;
  let accuraciesDone = 0;
  const accuracyOf = async (entry: PreparedEntry, runner: Runner): Promise<Accuracy | string> => {
    if (evaluationPath === undefined || args.evaluation?.kind !== "cifar") {
      return "no labelled data set; `edgewatt datasets fetch cifar10` fetches one";
    }
    if (plan.accuracyImages === 0) return "not asked for";
    const { mean, std, name } = entry.model;
    const images = plan.accuracyImages ?? Number.MAX_SAFE_INTEGER;
    try {
      const accuracy = await runner.accuracy({ path: evaluationPath, images, mean, std }, (share) => {
        const done = FROM.accuracy + ((accuraciesDone + share) / entries.length) * (1 - FROM.accuracy);
        context.progress({ step: "accuracy", detail: `${name} ${entry.precision}`, share: done });
      });
      accuraciesDone += 1;
      return accuracy;
    } catch (error) {
      // A model that does not fit the set keeps its other figures.
      if (error instanceof JobError && /^(data-|input-|no-)/.test(error.code)) return error.message;
      throw error;
    }
  };
  const onWindow = (done: number, total: number, entry: PreparedEntry) => {
    const block = Math.floor(done / entries.length) + 1;
    context.progress({
      step: "measure",
      detail: `${entry.model.name} ${entry.precision}, block ${block} of ${plan.windows}`,
      share: FROM.measure + (done / total) * (FROM.accuracy - FROM.measure),
    });
  };
  context.progress({ step: "load", detail: `${entries.length} entries`, share: FROM.measure });
  return new EntryMeasurement({ entries, plan, accuracyOf, onWindow, traces }, bench, context).run();
}

function rowOf(
  entry: PreparedEntry,
  measured: MeasuredEntry | undefined,
  { plan, bench, traced }: { plan: Plan; bench: Workbench; traced: Awaited<ReturnType<RowTraces["finish"]>> },
): ResultRow {
  if (measured === undefined) throw new JobError(`${entry.run} was not measured`, { code: "internal" });
  const { accuracy, steady, windows, baselineMb } = measured;
  const flags = [...traced.flags];
  if (!steady) flags.push(`not-steady: latency still changed after ${plan.warmUp.capS} s of warm-up`);
  if (typeof accuracy === "string") flags.push(`accuracy: ${accuracy}`);
  if (entry.report?.calibration.kind === "synthetic") flags.push("calibration: synthetic images");
  const { pruning = null, fineTuneEpochs = null } = entry.model;
  if (pruning === null || fineTuneEpochs === null)
    flags.push("lineage: pruning and fine-tuning are not stated for this model");
  if (entry.feeds.length === 0) flags.push("inputs: a fixed pattern, the model takes no images");
  return makeRow(
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
      accuracyPct: typeof accuracy === "string" ? null : (100 * accuracy.correct) / accuracy.images,
      source: bench.power.source,
      meter: rowMeter(bench),
      trace: traced.trace,
      flags,
    },
    windows,
    plan,
  );
}

function resultsOf(
  rows: readonly ResultRow[],
  work: { plan: Plan; prepared: PreparedEntries; measured: readonly MeasuredEntry[]; bench: Workbench },
): Results {
  const { plan, prepared, measured, bench } = work;
  const accuracyImages = Math.max(
    0,
    ...measured.map(({ accuracy }) => (typeof accuracy === "string" ? 0 : accuracy.images)),
  );
  const calibration = prepared.entries.find(({ report }) => report !== undefined)?.report?.calibration ?? null;
  const { quick, windows, windowS, idleS, rollS, threads, seed, strict, keepRunners } = plan;
  const method: ResultMethod = {
    quick,
    windows,
    windowS,
    threads,
    batch: 1,
    accuracyImages,
    calibration: calibration === null ? null : { kind: calibration.kind, images: calibration.images },
    idleS,
    rollS,
    seed,
    strict,
    processes: keepRunners ? "one per entry" : "one per window",
    cores: bench.cores.note,
  };
  return {
    schema: RESULTS_SCHEMA,
    created: new Date(bench.clock.nowUs() / 1000).toISOString(),
    devices: [resultDevice(bench.device, bench.info())],
    method,
    rows: [...rows],
    comparisons: compareRows(
      rows.map((row, index) => ({ row, windows: measured[index]?.windows ?? [] })),
      plan.seed,
    ),
  };
}

function resultDevice(id: string, { hardware, versions, power }: DeviceInfo): ResultDevice {
  const [channel] = power;
  return {
    id,
    board: hardware.board,
    cpu: hardware.cpu,
    cores: hardware.cores,
    governor: hardware.governor,
    os: hardware.os,
    node: versions.node,
    onnxruntime: versions.onnxruntime,
    power:
      channel === undefined
        ? null
        : { source: channel.source, channel: channel.channel, rateHz: channel.rateHz, settings: channel.settings },
  };
}
