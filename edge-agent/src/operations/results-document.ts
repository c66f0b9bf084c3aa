import { RESULTS_SCHEMA, type ResultDevice, type ResultMethod, type ResultRow, type Results } from "@edgewatt/protocol";
import { compareRows } from "../measure/comparisons.ts";
import { factorsOf, type Plan } from "../measure/plan.ts";
import type { MeasuredWindow } from "../measure/window-figures.ts";
import type { PreparedEntries } from "./entries.ts";
import type { MeasuredEntry } from "./measure-entries.ts";
import type { MeterReport } from "./meter-checks.ts";
import type { Workbench } from "./workbench.ts";

/** Of the processor when the first of some windows began and when the last one ended, °C. */
export function temperaturesOf(windows: readonly MeasuredWindow[]): { start: number | null; end: number | null } {
  return {
    start: windows[0]?.machine.before.temperatureC ?? null,
    end: windows.at(-1)?.machine.after.temperatureC ?? null,
  };
}

/** The document of a job: its rows, with all that is needed to repeat the measurement. */
export function resultsDocument(
  rows: readonly ResultRow[],
  work: {
    plan: Plan;
    prepared: PreparedEntries;
    measured: readonly MeasuredEntry[];
    meter: MeterReport;
    bench: Workbench;
  },
): Results {
  const { plan, prepared, measured, meter, bench } = work;
  const accuracyImages = Math.max(
    0,
    ...measured.map(({ accuracy }) => (typeof accuracy === "string" ? 0 : accuracy.images)),
  );
  const calibration = prepared.entries.find(({ report }) => report !== undefined)?.report?.calibration ?? null;
  const { quick, windows, maxWindows, target, budgetS, windowS, idleS, rollS, seed, strict, keepRunners } = plan;
  const method: ResultMethod = {
    quick,
    windows,
    windowS,
    maxWindows,
    targetHalfWidthPct: target === undefined ? null : 100 * target,
    budgetS,
    ...factorsOf(plan),
    accuracyImages,
    calibration: calibration === null ? null : { kind: calibration.kind, images: calibration.images },
    idleS,
    rollS,
    seed,
    strict,
    processes: keepRunners ? "one per entry" : "one per window",
  };
  return {
    schema: RESULTS_SCHEMA,
    created: new Date(bench.clock.nowUs() / 1000).toISOString(),
    devices: [{ ...resultDevice(bench), ...meter, temperatureC: temperaturesOf(inTime(measured)) }],
    method,
    rows: [...rows],
    comparisons: compareRows(
      rows.map((row, index) => ({ row, windows: measured[index]?.windows ?? [] })),
      plan.seed,
    ),
  };
}

/** All windows in the order in which they were measured. */
function inTime(measured: readonly MeasuredEntry[]): MeasuredWindow[] {
  return measured.flatMap(({ windows }) => windows).sort((a, b) => a.run.t0Us - b.run.t0Us);
}

function resultDevice(bench: Workbench): ResultDevice {
  const { hardware, versions, power, affinity } = bench.info();
  const [channel] = power;
  const { described } = bench.sampler.channel(bench.power.channel);
  return {
    id: bench.device,
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
        : {
            source: channel.source,
            channel: channel.channel,
            rateHz: channel.rateHz,
            settings: channel.settings,
            ...(described === undefined ? {} : { averagingMs: described.averagingUs / 1000 }),
          },
    ...(affinity === undefined ? {} : { affinity }),
  };
}
