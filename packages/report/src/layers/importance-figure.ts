import type { Layers } from "@edgewatt/protocol";
import * as Plot from "@observablehq/plot";
import { createDocument, frame, HEADER_HEIGHT, INDENT, sideBySide } from "../figures/frame.ts";
import { PRECISION_STYLE, PRECISIONS } from "../figures/series.ts";
import { formatFigure } from "../number-format.ts";
import { hasEstimatedEnergy } from "../power-source.ts";

type Layer = Layers["layers"][number];
type Precision = keyof typeof PRECISION_STYLE;

/** One column of the figure: a figure of all layers, in one precision or in both. */
interface Panel {
  readonly label: string;
  /** Bars from zero for one neutral figure, symbols for those of a precision. */
  readonly values: readonly { readonly precision: Precision | null; readonly read: (layer: Layer) => number | null }[];
  readonly fromZero: boolean;
}

const WIDTH = 980;
const NAMES_WIDTH = 210;
const AXIS_HEIGHT = 48;
const ROW_HEIGHT = 17;
const FOOTER_HEIGHT = 14;
/** Between two panels, so that the figures on their axes do not touch. */
const GAP = 18;
const LONGEST_NAME = 32;
const TICKS = 3;
const NEUTRAL = "#8a93a3";
const LINE = "#eceef1";

export const IMPORTANCE_FIGURE = "layer-importance";

/** Every layer in a line: its shares of weights, time and energy, and what the model loses when it alone is quantized. */
export function importanceFigure(layers: Layers): string {
  const panels = panelsOf(layers).filter(({ values }) =>
    values.some(({ read }) => layers.layers.some((layer) => read(layer) !== null)),
  );
  const document = createDocument();
  const chartHeight = AXIS_HEIGHT + ROW_HEIGHT * layers.layers.length;
  const width = (WIDTH - INDENT - NAMES_WIDTH) / panels.length;
  const charts = panels.map((panel, index) => {
    const svg = chart(document, { layers, panel, width, height: chartHeight, named: index === 0 });
    svg.setAttribute("x", String(index === 0 ? 0 : NAMES_WIDTH + index * width));
    return svg;
  });
  const where = layers.device === null ? "" : ` on ${layers.device}`;
  return frame(document, {
    name: IMPORTANCE_FIGURE,
    title: "Importance of each layer relative to the others",
    subtitle: `${shorten(layers.model)}${where}; time: share of all kernels; noise and accuracy: with only that layer quantized${layers.energy.int8 === null ? "" : "; energy: apportioned by time"}`,
    description: describe(layers, panels),
    width: WIDTH,
    height: HEADER_HEIGHT + chartHeight + FOOTER_HEIGHT,
    series: PRECISIONS.map((precision) => ({ name: precision, precision, fill: 0 })),
    body: sideBySide(document, charts),
  });
}

function panelsOf(layers: Layers): Panel[] {
  const estimate = hasEstimatedEnergy(layers) ? ", est." : "";
  return [
    {
      label: "weights (%)",
      values: [{ precision: null, read: (layer) => layer.weightsPct }],
      fromZero: true,
    },
    {
      label: "time (%)",
      values: [
        { precision: "fp32", read: (layer) => layer.floatTimePct },
        { precision: "int8", read: (layer) => layer.timePct },
      ],
      fromZero: true,
    },
    {
      label: `energy (mJ${estimate})`,
      values: [
        { precision: "fp32", read: (layer) => layer.floatEnergyMj },
        { precision: "int8", read: (layer) => layer.energyMj },
      ],
      fromZero: true,
    },
    {
      label: "signal-to-noise (dB)",
      values: [{ precision: "int8", read: (layer) => layer.sqnrDb }],
      fromZero: false,
    },
    {
      label: "accuracy lost (pt)",
      values: [{ precision: "int8", read: (layer) => layer.accuracyDropPt }],
      fromZero: true,
    },
  ];
}

interface ChartInput {
  readonly layers: Layers;
  readonly panel: Panel;
  readonly width: number;
  readonly height: number;
  /** Whether the names of the layers stand before it. */
  readonly named: boolean;
}

function chart(document: Document, { layers, panel, width, height, named }: ChartInput): SVGElement {
  const rows = layers.layers;
  const names = new Map(rows.map(({ index, name }) => [index, shorten(name)]));
  const left = named ? NAMES_WIDTH + GAP / 2 : GAP;
  const plot = Plot.plot({
    document,
    width: named ? NAMES_WIDTH + width : width,
    height,
    marginLeft: left,
    marginRight: GAP,
    marginTop: AXIS_HEIGHT,
    marginBottom: 0,
    x: {
      axis: "top",
      label: panel.label,
      labelArrow: "none",
      labelAnchor: "center",
      nice: true,
      zero: panel.fromZero,
      ...domainOf(rows, panel),
      grid: true,
      ticks: TICKS,
    },
    y: {
      type: "band",
      domain: rows.map(({ index }) => index),
      axis: named ? "left" : null,
      label: null,
      tickSize: 0,
      tickFormat: (index: number) => names.get(index) ?? "",
      padding: 0,
    },
    marks: [
      // A line for each layer, so that the eye finds its name again four panels later.
      Plot.ruleY(rows, { y: "index", stroke: LINE }),
      Plot.gridX({ ticks: TICKS, stroke: "#d5d9e0", strokeOpacity: 1 }),
      ...panel.values.flatMap(({ precision, read }) => marks(rows, precision, read, panel.fromZero)),
    ],
  });
  // Without a legend of its own, Plot returns the drawing itself and not a figure around it.
  return plot as unknown as SVGElement;
}

/** An axis without any extent cannot be drawn: where all layers have the same figure it gets one unit to each side. */
function domainOf(rows: readonly Layer[], { values, fromZero }: Panel): { domain?: [number, number] } {
  const found = rows.flatMap((layer) => values.flatMap(({ read }) => read(layer) ?? []));
  const [low, high] = [Math.min(...found), Math.max(...found)];
  const extent = fromZero ? Math.max(high, 0) - Math.min(low, 0) : high - low;
  return extent === 0 ? { domain: [low - 1, high + 1] } : {};
}

function marks(
  rows: readonly Layer[],
  precision: Precision | null,
  read: (layer: Layer) => number | null,
  fromZero: boolean,
): Plot.Markish[] {
  const known = rows.filter((layer) => read(layer) !== null);
  const place = { x: (layer: Layer) => read(layer) ?? 0, y: "index" };
  if (precision === null) return [Plot.barX(known, { ...place, fill: NEUTRAL, insetTop: 4, insetBottom: 4 })];
  const { colour, symbol } = PRECISION_STYLE[precision];
  const dots = Plot.dot(known, { ...place, symbol, stroke: colour, fill: "none", r: 3.6, strokeWidth: 1.6 });
  return fromZero ? [Plot.ruleX([0], { stroke: NEUTRAL }), dots] : [dots];
}

/** The end of a long name says more than its beginning. */
function shorten(name: string): string {
  return name.length <= LONGEST_NAME ? name : `…${name.slice(1 - LONGEST_NAME)}`;
}

function describe({ layers }: Layers, panels: readonly Panel[]): string {
  const lines = layers.map((layer) => {
    const figures = panels.flatMap(({ label, values }) =>
      values.flatMap(({ precision, read }) => {
        const value = read(layer);
        return value === null ? [] : [`${label}${precision === null ? "" : ` ${precision}`} ${formatFigure(value)}`];
      }),
    );
    return `${layer.name}: ${figures.join(", ")}`;
  });
  return `${lines.join("; ")}.`;
}
