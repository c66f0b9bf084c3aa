import type { ResultRow } from "@edgewatt/protocol";

export const FIGURE_NAMES = [
  "latency-vs-pruning",
  "accuracy-vs-pruning",
  "accuracy-vs-params",
  "energy-vs-pruning",
  "pareto",
] as const;
export type FigureName = (typeof FIGURE_NAMES)[number];

type Read = (row: ResultRow) => number | null;

export interface Axis {
  readonly label: string;
  /** Whether its figures are only as good as the power source. */
  readonly power?: true;
  readonly read: Read;
  readonly halfWidth?: Read;
  /** The column of the results table that says why a figure is blank. */
  readonly column: string;
}

export interface FigureDefinition {
  readonly title: string;
  readonly subtitle: string;
  readonly x: Axis;
  /** Side by side, each with its own name where there is more than one. */
  readonly panels: readonly (Axis & { readonly name: string })[];
  readonly y: string;
  readonly fromZero: boolean;
  readonly front?: true;
}

const pruning: Axis = { label: "pruning fraction", read: (row) => row.pruning, column: "pruning" };

const params: Axis = { label: "parameters (millions)", read: (row) => millions(row.params), column: "params" };

const accuracy = {
  name: "accuracy",
  label: "test accuracy (%)",
  read: (row: ResultRow) => row.accuracyPct,
  column: "accuracyPct",
};

const grossEnergy = {
  name: "gross",
  label: "energy per image, gross (mJ)",
  power: true,
  read: (row: ResultRow) => row.energyMj.gross,
  halfWidth: (row: ResultRow) => row.energyMj.grossHalfWidth95,
  column: "energyGrossMj",
} as const;

const netEnergy = {
  name: "net",
  label: "energy per image, net (mJ)",
  power: true,
  read: (row: ResultRow) => row.energyMj.net,
  halfWidth: (row: ResultRow) => row.energyMj.netHalfWidth95,
  column: "energyNetMj",
} as const;

export const DEFINITIONS: Readonly<Record<FigureName, FigureDefinition>> = {
  "latency-vs-pruning": {
    title: "Latency against pruning",
    subtitle: "Mean latency per image, lower is better; bars are 95 % confidence half-widths",
    x: pruning,
    panels: [
      {
        name: "latency",
        label: "latency per image (ms)",
        read: (row) => row.latencyMs.mean,
        halfWidth: (row) => row.latencyMs.halfWidth95,
        column: "latencyMs",
      },
    ],
    y: "latency per image (ms)",
    fromZero: true,
  },
  "accuracy-vs-pruning": {
    title: "Accuracy against pruning",
    subtitle: "Top-1 test accuracy, higher is better",
    x: pruning,
    panels: [accuracy],
    y: "test accuracy (%)",
    fromZero: false,
  },
  "accuracy-vs-params": {
    title: "Accuracy against size",
    subtitle: "Top-1 test accuracy over the parameters of the float model",
    x: params,
    panels: [accuracy],
    y: "test accuracy (%)",
    fromZero: false,
  },
  "energy-vs-pruning": {
    title: "Energy against pruning",
    subtitle:
      "Per image, lower is better; gross: all of the window, net: above idle; bars: 95 %, as in the table's caption",
    x: pruning,
    panels: [grossEnergy, netEnergy],
    y: "energy per image (mJ)",
    fromZero: true,
  },
  pareto: {
    title: "Accuracy against energy",
    subtitle: "Labels are pruning fractions; the line joins the models that no other beats in both",
    x: grossEnergy,
    panels: [accuracy],
    y: "test accuracy (%)",
    fromZero: false,
    front: true,
  },
};

function millions(value: number | null): number | null {
  return value === null ? null : value / 1e6;
}
