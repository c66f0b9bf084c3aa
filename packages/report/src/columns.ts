import type { ResultRow } from "@edgewatt/protocol";
import { alignOf } from "./align.ts";
import { formatCount, formatFigure, formatWithHalfWidth } from "./number-format.ts";

/** One column of the results table, the same in every form of it. */
export interface Column {
  readonly key: string;
  /** With its unit. */
  readonly title: string;
  /** The title for a narrow terminal: words that may stand on lines of their own. */
  readonly short: string;
  readonly align: "left" | "right";
  /** Whether the figure is only as good as the power source: it is marked where that is an estimate. */
  readonly power?: true;
  /** Left out where no row has the figure. */
  readonly optional?: true;
  /** `null`: not measured. */
  readonly format: (row: ResultRow) => string | null;
  /** Which of a row's flags say why the cell is blank, by their code. */
  readonly blankCodes?: RegExp;
  /** Why the cell is blank where no flag says it. */
  readonly blankReason?: string;
}

function figure(read: (row: ResultRow) => number | null, format: (value: number) => string = formatFigure) {
  return (row: ResultRow) => {
    const value = read(row);
    return value === null ? null : format(value);
  };
}

/** In place of a figure that has no meaning for a model with all its channels. */
export const UNCUT = "uncut";

const noManifest = "the model's manifest does not tell";
const notMeasured = "not measured, and the run gave no reason";
const latencyCodes = /latency|percentile/;
const powerCodes = /power|meter|sensor|energy|source/;

export const COLUMNS: readonly Column[] = [
  { key: "device", title: "device", short: "device", align: "left", format: (row) => row.device },
  { key: "model", title: "model", short: "model", align: "left", format: (row) => row.model },
  {
    key: "pruning",
    title: "pruning fraction",
    short: "pruning fraction",
    align: "right",
    format: figure((row) => row.pruning, String),
    blankCodes: /lineage|pruning/,
    blankReason: `pruning fraction: ${noManifest}`,
  },
  {
    key: "align",
    title: "channels in multiples of",
    short: "channels ×",
    align: "right",
    optional: true,
    format: alignCell,
    blankCodes: /lineage|pruning/,
    blankReason: "channels in multiples of: nobody says how the model was pruned",
  },
  {
    key: "fineTuneEpochs",
    title: "fine-tuning epochs",
    short: "fine-tune epochs",
    align: "right",
    format: figure((row) => row.fineTuneEpochs, String),
    blankCodes: /lineage|fine-?tun/,
    blankReason: `fine-tuning epochs: ${noManifest}`,
  },
  {
    key: "params",
    title: "#params",
    short: "#params",
    align: "right",
    format: figure((row) => row.params, formatCount),
    blankCodes: /lineage|params/,
    blankReason: `#params: ${noManifest}`,
  },
  { key: "precision", title: "precision", short: "precision", align: "left", format: (row) => row.precision },
  {
    key: "fileSizeMb",
    title: "file size (MB)",
    short: "file MB",
    align: "right",
    format: figure((row) => row.fileSizeMb),
    blankCodes: /file/,
    blankReason: `file size: ${notMeasured}`,
  },
  {
    key: "maxMemoryMb",
    title: "max memory (MB)",
    short: "memory max MB",
    align: "right",
    format: figure((row) => row.maxMemoryMb),
    blankCodes: /memory/,
    blankReason: `max memory: ${notMeasured}`,
  },
  {
    key: "latencyMs",
    title: "average latency per image (ms)",
    short: "latency ms",
    align: "right",
    format: figureWithHalfWidth(
      (row) => row.latencyMs.mean,
      (row) => row.latencyMs.halfWidth95,
    ),
    blankCodes: latencyCodes,
    blankReason: `latency: ${notMeasured}`,
  },
  {
    key: "latencyP50Ms",
    title: "latency p50 (ms)",
    short: "p50 ms",
    align: "right",
    format: figure((row) => row.latencyMs.p50),
    blankCodes: latencyCodes,
    blankReason: `latency: ${notMeasured}`,
  },
  {
    key: "latencyP95Ms",
    title: "latency p95 (ms)",
    short: "p95 ms",
    align: "right",
    format: figure((row) => row.latencyMs.p95),
    blankCodes: latencyCodes,
    blankReason: `latency: ${notMeasured}`,
  },
  {
    key: "latencyP99Ms",
    title: "latency p99 (ms)",
    short: "p99 ms",
    align: "right",
    format: figure((row) => row.latencyMs.p99),
    blankCodes: latencyCodes,
    blankReason: `latency: ${notMeasured}`,
  },
  {
    key: "maxPowerW",
    title: "max power (W)",
    short: "power max W",
    align: "right",
    power: true,
    format: figure((row) => row.maxPowerW),
    blankCodes: powerCodes,
    blankReason: `power: ${notMeasured}`,
  },
  {
    key: "maxPower10msW",
    title: "max power, mean over 10 ms (W)",
    short: "max 10 ms W",
    align: "right",
    power: true,
    optional: true,
    format: figure((row) => row.maxPower10msW ?? null),
    blankCodes: powerCodes,
    blankReason: "max power over 10 ms: the meter gives fewer than 100 readings a second",
  },
  {
    key: "energyGrossMj",
    title: "average energy per image, gross (mJ)",
    short: "energy gross mJ",
    align: "right",
    power: true,
    format: figureWithHalfWidth(
      (row) => row.energyMj.gross,
      (row) => row.energyMj.grossHalfWidth95,
    ),
    blankCodes: powerCodes,
    blankReason: `energy: ${notMeasured}`,
  },
  {
    key: "energyNetMj",
    title: "average energy per image, net (mJ)",
    short: "energy net mJ",
    align: "right",
    power: true,
    format: figureWithHalfWidth(
      (row) => row.energyMj.net,
      (row) => row.energyMj.netHalfWidth95,
    ),
    blankCodes: /power|meter|sensor|energy|source|idle-missing/,
    blankReason: `net energy: ${notMeasured}`,
  },
  {
    key: "accuracyPct",
    title: "test accuracy (%)",
    short: "accuracy %",
    align: "right",
    format: figure(
      (row) => row.accuracyPct,
      (value) => value.toFixed(2),
    ),
    blankCodes: /accuracy|data-?set|evaluation|label/,
    blankReason: "test accuracy: not measured, no labelled test set was given",
  },
];

/** Of a model that nothing was cut from there is nothing to say, and that is no gap. */
function alignCell(row: ResultRow): string | null {
  const align = alignOf(row);
  if (align !== null) return String(align);
  return row.pruning === 0 ? UNCUT : null;
}

function figureWithHalfWidth(read: (row: ResultRow) => number | null, halfWidth: (row: ResultRow) => number | null) {
  return (row: ResultRow) => {
    const value = read(row);
    return value === null ? null : formatWithHalfWidth(value, halfWidth(row));
  };
}

/** The flags of a row, or else the default reason, that say why its cell in a column is blank. */
export function whyBlank(column: Column, row: ResultRow): readonly string[] {
  const flags = row.flags.filter((flag) => column.blankCodes?.test(flagCode(flag)));
  if (flags.length > 0) return flags;
  return [column.blankReason ?? notMeasured];
}

/** `code` of a flag that is `code` or `code: detail`. */
export function flagCode(flag: string): string {
  return flag.split(":", 1)[0] ?? flag;
}
