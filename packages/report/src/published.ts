import { createRequire } from "node:module";
import { formatCount, formatFigure } from "./number-format.ts";

/** A table of others as they published it. MB = 10^6 bytes; the energy is per image, however its authors define it. */
export interface PublishedStudy {
  readonly name: string;
  readonly title: string;
  readonly notes: readonly string[];
  readonly rows: readonly PublishedRow[];
}

interface PublishedRow {
  readonly pruning: number;
  readonly fineTuneEpochs: number;
  readonly params: number;
  readonly maxMemoryMb: number;
  readonly latencyMs: number;
  readonly maxPowerW: number;
  readonly energyMj: number;
}

const require = createRequire(import.meta.url);

/** Studies that a report shows beside its results. */
export const PUBLISHED: readonly PublishedStudy[] = [require("../published/ece361e-m2.json") as PublishedStudy];

/** Rounding of the published figures explains no more than this share. */
const TOLERANCE = 0.005;

export interface PublishedTable {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
  readonly notes: readonly string[];
}

/** A published table with the check that our own rows pass: energy ÷ time is a mean power, and no mean is above the maximum. */
export function publishedTable(study: PublishedStudy): PublishedTable {
  return {
    title: study.title,
    head: [
      "pruning fraction",
      "fine-tuning epochs",
      "#params",
      "max memory (MB)",
      "latency (ms)",
      "max power (W)",
      "energy per image (mJ)",
      "energy ÷ latency (W)",
      "≤ max power",
    ],
    rows: study.rows.map((row) => [
      String(row.pruning),
      String(row.fineTuneEpochs),
      formatCount(row.params),
      String(row.maxMemoryMb),
      String(row.latencyMs),
      String(row.maxPowerW),
      String(row.energyMj),
      formatFigure(impliedW(row)),
      isConsistent(row) ? "yes" : "no",
    ]),
    notes: [checkNote(study.rows), ...study.notes],
  };
}

/** The mean power that the energy of a row means over its latency. */
function impliedW({ energyMj, latencyMs }: PublishedRow): number {
  return energyMj / latencyMs;
}

function isConsistent(row: PublishedRow): boolean {
  return impliedW(row) <= row.maxPowerW * (1 + TOLERANCE);
}

function checkNote(rows: readonly PublishedRow[]): string {
  const faulty = rows.filter((row) => !isConsistent(row));
  const ours =
    "Ours: gross energy is all energy of a window of back-to-back inference ÷ the images in it, so that energy ÷ time is the mean power.";
  if (faulty.length === 0)
    return `Checked: energy ÷ latency is at most the maximum power in all ${rows.length} rows. ${ours}`;
  const watts = faulty.map(impliedW);
  const times = faulty.map((row) => impliedW(row) / row.maxPowerW);
  return (
    `Checked: in ${faulty.length} of ${rows.length} rows energy ÷ latency is above the maximum power of the same row: ${span(watts)} W, ` +
    `${Math.min(...times).toFixed(1)} to ${Math.max(...times).toFixed(1)} times the ${span(faulty.map((row) => row.maxPowerW))} W beside it. These energies hold more time than one latency, ` +
    `so they cannot be compared with energy per inference. ${ours}`
  );
}

function span(values: readonly number[]): string {
  return `${formatFigure(Math.min(...values))} to ${formatFigure(Math.max(...values))}`;
}
