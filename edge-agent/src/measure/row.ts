import { counted, plural, type PowerSource, type Precision, type ResultRow } from "@edgewatt/protocol";
import type { Stretch } from "./energy.ts";
import { energyCheckFlags } from "./flags/energy-checks.ts";
import { consistencyFlags } from "./flags/consistency.ts";
import { windowFlags } from "./flags/windows.ts";
import { factorsOf, type Plan } from "./plan.ts";
import { energyOf, total, type MeterErrors } from "./row-energy.ts";
import { halfWidth95, mean, quantiles } from "./statistics.ts";
import { figuresOf, type MeasuredWindow } from "./window-figures.ts";

/** What a row needs to know of the channel that its power comes from. */
export interface RowMeter extends MeterErrors {
  /** A reading is the mean over this time, µs. */
  readonly averagingUs: number;
}

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
  /** What ONNX Runtime takes for its first session, whatever the model. */
  readonly sessionMb: number;
  /** Proportional set size after the windows. */
  readonly pssMb?: number | null;
  readonly accuracyPct: number | null;
  readonly source: PowerSource | undefined;
  /** `undefined` where the meter was never opened. */
  readonly meter: RowMeter | undefined;
  readonly trace: NonNullable<ResultRow["trace"]> | null;
  /** Flags that are known before the windows are looked at. */
  readonly flags: readonly string[];
}

const BYTES_PER_MB = 1e6;
/**
 * A mean over a time T has the frequency response |sin(πfT) / (πfT)|, which falls to 1/√2 (−3 dB) at f · T = 0.443 (S. W. Smith,
 * The Scientist and Engineer's Guide to Digital Signal Processing, equation 15-2, solved for the continuous case).
 */
const BOXCAR_BANDWIDTH = 0.443;

/**
 * A row of the results table. Means of latency, energy, power and time are those of all windows together, so that energy per image
 * is mean power times time per image; half-widths of repetition are of the windows' own figures.
 */
export function makeRow(facts: RowFacts, windows: readonly MeasuredWindow[], plan: Plan): ResultRow {
  const figures = windows.map(figuresOf);
  const powered = figures.filter((figure) => figure.joules !== null);
  const timed = powered.length > 0 ? powered : figures;
  const latenciesMs = Float64Array.from(
    windows.flatMap(({ run: { latenciesMs: ofRuns, batch = 1 } }) => Array.from(ofRuns, (ms) => ms / batch)),
  ).sort();
  const [p50 = null, p90 = null, p95 = null, p99 = null, p999 = null] = quantiles(
    latenciesMs,
    [0.5, 0.9, 0.95, 0.99, 0.999],
  );
  const maxMemoryMb = Math.max(...windows.map(({ run }) => run.peakMb));
  const row: ResultRow = {
    device: facts.device,
    model: facts.model,
    pruning: facts.pruning,
    fineTuneEpochs: facts.fineTuneEpochs,
    precision: facts.precision,
    params: facts.params,
    fileSizeMb: facts.fileBytes / BYTES_PER_MB,
    maxMemoryMb,
    memoryBaselineMb: facts.baselineMb,
    memorySessionMb: facts.sessionMb,
    memoryModelMb: maxMemoryMb - facts.baselineMb - facts.sessionMb,
    memoryPssMb: facts.pssMb ?? null,
    latencyMs: {
      mean: mean(latenciesMs),
      min: latenciesMs[0] ?? null,
      max: latenciesMs.at(-1) ?? null,
      p50,
      p90,
      p95,
      p99,
      p999,
      halfWidth95: halfWidth95(figures.map((figure) => figure.latencyMs)),
    },
    maxPowerW: largest(figures.map((figure) => figure.maxW)),
    maxPowerBandwidthHz:
      powered.length > 0 && facts.meter !== undefined ? BOXCAR_BANDWIDTH / (facts.meter.averagingUs / 1e6) : null,
    maxPower10msW: largest(figures.map((figure) => figure.max10msW)),
    ...energyOf(figures, facts.meter),
    imageMs: (1000 * total(timed, "seconds")) / total(timed, "images"),
    accuracyPct: facts.accuracyPct,
    factors: factorsOf(plan),
    windows: { measured: windows.length, powered: powered.length },
    sampling: samplingOf(windows.flatMap(({ power }) => power ?? [])),
    trace: facts.trace,
    flags: [],
    run: facts.run,
  };
  const flags = [
    ...windowFlags(windows, facts.source, plan),
    ...energyCheckFlags(windows),
    ...facts.flags,
    ...(facts.params === null ? ["params: not given with an int8 model"] : []),
    ...(p99 === null
      ? [
          `percentiles: ${counted(latenciesMs.length, "run")} ${plural(latenciesMs.length, "is", "are")} too few for p99`,
        ]
      : []),
    ...consistencyFlags(row),
  ];
  return { ...row, flags };
}

function samplingOf(stretches: readonly Stretch[]): NonNullable<ResultRow["sampling"]> | null {
  if (stretches.length === 0) return null;
  return {
    rateHz: Math.min(...stretches.map(({ rateHz }) => rateHz)),
    jitterP99Ms: Math.max(...stretches.map(({ jitterP99Us }) => jitterP99Us)) / 1000,
    missing: stretches.reduce((sum, { missing }) => sum + missing, 0),
  };
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}
