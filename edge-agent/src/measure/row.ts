import type { PowerSource, Precision, ResultRow } from "@edgewatt/protocol";
import { energyCheckFlags } from "./energy-checks.ts";
import { consistencyFlags, windowFlags } from "./flags.ts";
import type { Plan } from "./plan.ts";
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
/** A window ends with the run that reaches its length, so only rounding may leave it shorter. */
const WINDOW_TOLERANCE = 1e-6;

/**
 * A row of the results table. Means of latency, energy, power and time are those of all windows together, so that energy per image
 * is mean power times time per image; half-widths of repetition are of the windows' own figures.
 */
export function makeRow(facts: RowFacts, windows: readonly MeasuredWindow[], plan: Plan): ResultRow {
  const figures = windows.map(figuresOf);
  const powered = figures.filter((figure) => figure.joules !== null);
  const timed = powered.length > 0 ? powered : figures;
  const latenciesMs = Float64Array.from(windows.flatMap(({ run }) => [...run.latenciesMs])).sort();
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
    memoryModelMb: maxMemoryMb - facts.baselineMb,
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
    factors: { threads: plan.threads, spinning: plan.spinning, batch: 1 },
    windows: { measured: windows.length, powered: powered.length },
    trace: facts.trace,
    flags: [],
    run: facts.run,
  };
  const flags = [
    ...windowFlags(windows, facts.source),
    ...energyCheckFlags(windows),
    ...facts.flags,
    ...planFlags(plan, windows.length),
    ...shortFlags(windows, plan),
    ...(facts.params === null ? ["params: not given with an int8 model"] : []),
    ...(p99 === null ? [`percentiles: ${latenciesMs.length} runs are too few for p99`] : []),
    ...consistencyFlags(row),
  ];
  return { ...row, flags };
}

function planFlags({ quick, windows, windowS, cutFrom }: Plan, measured: number): string[] {
  const flags: string[] = [];
  if (quick) flags.push(`quick: ${measured} windows of ${windowS} s show that it works; cite a full run`);
  if (cutFrom !== undefined) flags.push(`few-windows: ${windows} instead of ${cutFrom} to keep to the time budget`);
  else if (measured < 3) flags.push(`few-windows: ${measured}`);
  return flags;
}

/** A window ends early when a model runs far faster than its warm-up foretold and the room for stamps is used up. */
function shortFlags(windows: readonly MeasuredWindow[], { windowS }: Plan): string[] {
  const shortestS = Math.min(...windows.map(({ run }) => (run.t1Us - run.t0Us) / 1e6));
  return shortestS < windowS * (1 - WINDOW_TOLERANCE)
    ? [`short-window: ${shortestS.toFixed(2)} s instead of ${windowS} s`]
    : [];
}

function largest(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null);
  return known.length > 0 ? Math.max(...known) : null;
}
