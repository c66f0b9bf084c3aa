import type { PowerSource, Precision, ResultRow } from "@edgewatt/protocol";
import { consistencyFlags } from "./flags/consistency.ts";
import { windowFlags } from "./flags/windows.ts";
import { factorsOf, type Plan } from "./plan.ts";
import { halfWidth95, mean, quantiles } from "./statistics.ts";
import { figuresOf, type MeasuredWindow, type WindowFigures } from "./window-figures.ts";

/** What is known of an entry besides its windows. */
export interface RowFacts {
  readonly device: string;
  readonly run: string;
  readonly model: string;
  readonly precision: Precision;
  readonly pruning: number | null;
  readonly fineTuneEpochs: number | null;
  readonly params: number | null;
  readonly fileBytes: number;
  readonly baselineMb: number;
  /** Proportional set size after the windows. */
  readonly pssMb?: number | null;
  readonly accuracyPct: number | null;
  readonly source: PowerSource | undefined;
  /** Flags that are known before the windows are looked at. */
  readonly flags: readonly string[];
}

const BYTES_PER_MB = 1e6;

/**
 * A row of the results table. Means of latency, energy, power and time are those of all windows together, so that energy per image
 * is mean power times time per image; half-widths are of the windows' own figures.
 */
export function makeRow(facts: RowFacts, windows: readonly MeasuredWindow[], plan: Plan): ResultRow {
  const figures = windows.map(figuresOf);
  const powered = figures.filter((figure) => figure.joules !== null);
  const timed = powered.length > 0 ? powered : figures;
  const netted = figures.filter((figure) => figure.netMj !== null);
  const pooled = Float64Array.from(
    windows.flatMap(({ run: { latenciesMs, batch = 1 } }) => Array.from(latenciesMs, (ms) => ms / batch)),
  );
  const peakMb = Math.max(...windows.map(({ run }) => run.peakMb));
  const [p50 = null, p95 = null, p99 = null] = quantiles(pooled, [0.5, 0.95, 0.99]);
  const joules = sum(powered, "joules");
  const row: ResultRow = {
    device: facts.device,
    model: facts.model,
    pruning: facts.pruning,
    fineTuneEpochs: facts.fineTuneEpochs,
    precision: facts.precision,
    params: facts.params,
    fileSizeMb: facts.fileBytes / BYTES_PER_MB,
    maxMemoryMb: peakMb,
    memoryBaselineMb: facts.baselineMb,
    memoryModelMb: peakMb - facts.baselineMb,
    memoryPssMb: facts.pssMb ?? null,
    latencyMs: {
      mean: mean(pooled),
      p50,
      p95,
      p99,
      halfWidth95: halfWidth95(figures.map((figure) => figure.latencyMs)),
    },
    maxPowerW: powered.length > 0 ? Math.max(...powered.map((figure) => figure.maxW ?? 0)) : null,
    meanPowerW: powered.length > 0 ? joules / sum(powered, "seconds") : null,
    idlePowerW: netted.length > 0 ? mean(netted.map((figure) => figure.idleW ?? 0)) : null,
    imageMs: (1000 * sum(timed, "seconds")) / sum(timed, "images"),
    energyMj: {
      gross: powered.length > 0 ? (1000 * joules) / sum(powered, "images") : null,
      grossHalfWidth95: halfWidth95(powered.map((figure) => figure.grossMj ?? 0)),
      net: netted.length > 0 ? pooledNet(netted) : null,
      netHalfWidth95: halfWidth95(netted.map((figure) => figure.netMj ?? 0)),
    },
    accuracyPct: facts.accuracyPct,
    factors: factorsOf(plan),
    flags: [],
    run: facts.run,
  };
  const flags = [
    ...windowFlags(windows, facts.source, plan),
    ...facts.flags,
    ...(facts.params === null ? ["params: not given with an int8 model"] : []),
    ...(p99 === null ? [`percentiles: ${pooled.length} runs are too few for p99`] : []),
    ...consistencyFlags(row),
  ];
  return { ...row, flags };
}

function pooledNet(figures: readonly WindowFigures[]): number {
  return figures.reduce((total, figure) => total + (figure.netMj ?? 0) * figure.images, 0) / sum(figures, "images");
}

function sum(figures: readonly WindowFigures[], key: "joules" | "seconds" | "images"): number {
  return figures.reduce((total, figure) => total + (figure[key] ?? 0), 0);
}
