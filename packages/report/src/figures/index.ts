import type { Results } from "@edgewatt/protocol";
import * as Plot from "@observablehq/plot";
import { formatWithHalfWidth, formatFigure } from "../number-format.ts";
import { estimated } from "../power-source.ts";
import { DEFINITIONS, FIGURE_NAMES, type FigureDefinition, type FigureName } from "./definitions.ts";
import { createDocument, frame, HEADER_HEIGHT, INDENT } from "./frame.ts";
import { paretoFront, pointsOf, whyEmpty, type Point } from "./points.ts";
import { pointsIn, PRECISION_STYLE, PRECISIONS, type Series, seriesOf } from "./series.ts";

export { FIGURE_NAMES, type FigureName };

export interface Figure {
  readonly name: FigureName;
  readonly title: string;
  /** All its data in words; in the document too. */
  readonly description: string;
  /** A self-contained SVG document. */
  readonly svg: string;
}

const WIDTH = 680;
const CHART_HEIGHT = 320;
const FOOTER_HEIGHT = 12;
/** Shown on both sides of the only value of an axis, as a share of it. */
const ROOM_AROUND = 0.01;

/** All figures of the study; one that has no data says why. The same results give the same bytes. */
export function figures(results: Results): Figure[] {
  return FIGURE_NAMES.map((name) => figure(name, results));
}

export function figure(name: FigureName, results: Results): Figure {
  const definition = DEFINITIONS[name];
  const points = pointsOf(definition, results);
  const devices = [...new Set(points.map((point) => point.device))];
  const chartHeight = CHART_HEIGHT * Math.max(1, devices.length);
  const document = createDocument();
  const body = points.length === 0 ? whyEmpty(definition, results) : chart(document, { definition, points, results });
  const description = describe(definition, points, body, results);
  const svg = frame(document, {
    name,
    title: definition.title,
    subtitle: subtitleOf(definition, points),
    description,
    width: WIDTH,
    height: HEADER_HEIGHT + chartHeight + FOOTER_HEIGHT,
    series: seriesOf(points),
    body,
  });
  return { name, title: definition.title, description, svg };
}

interface ChartInput {
  readonly definition: FigureDefinition;
  readonly points: readonly Point[];
  readonly results: Results;
}

function chart(document: Document, { definition, points, results }: ChartInput): SVGElement {
  const devices = [...new Set(points.map((point) => point.device))];
  const panels = [...new Set(points.map((point) => point.panel))];
  const facets = {
    ...(panels.length > 1 ? { fx: "panel" } : {}),
    ...(devices.length > 1 ? { fy: "device" } : {}),
  };
  const labels = axisLabels(definition, results);
  const plot = Plot.plot({
    document,
    width: WIDTH - INDENT,
    height: CHART_HEIGHT * devices.length,
    marginLeft: 58,
    marginBottom: 46,
    // Names of panels stand under the label of the axis.
    marginTop: panels.length > 1 ? 52 : 26,
    marginRight: devices.length > 1 ? 90 : 28,
    inset: 14,
    x: {
      label: labels.x,
      labelArrow: "none",
      labelAnchor: "center",
      nice: true,
      ...roomAround(points.map(({ x, xHalfWidth }) => [x, xHalfWidth])),
    },
    y: {
      label: labels.y,
      labelArrow: "none",
      grid: true,
      nice: true,
      zero: definition.fromZero,
      ...(definition.fromZero ? {} : roomAround(points.map(({ y, yHalfWidth }) => [y, yHalfWidth]))),
    },
    fx: { label: null, padding: 0.08 },
    fy: { label: null },
    symbol: { domain: [...PRECISIONS], range: PRECISIONS.map((precision) => PRECISION_STYLE[precision].symbol) },
    color: { domain: [...PRECISIONS], range: PRECISIONS.map((precision) => PRECISION_STYLE[precision].colour) },
    marks: [
      ...(definition.front ? frontMarks(points, facets) : lineMarks(points, facets)),
      ...barMarks(points, facets),
      ...seriesOf(points).map((series) => dots(points, series, facets)),
    ],
  });
  // Without a legend of its own, Plot returns the drawing itself and not a figure around it.
  return plot as unknown as SVGElement;
}

/** Where all figures are the same, an axis from one to the other has no length: its only mark would be a row of zeros, cut off at the edge. */
function roomAround(values: readonly (readonly [value: number, halfWidth: number | null])[]): { domain?: number[] } {
  const [[first] = [0]] = values;
  if (values.some(([value, halfWidth]) => value !== first || (halfWidth ?? 0) > 0)) return {};
  return { domain: first === 0 ? [0, ROOM_AROUND] : [first * (1 - ROOM_AROUND), first * (1 + ROOM_AROUND)] };
}

type Facets = { fx?: string; fy?: string };

function lineMarks(points: readonly Point[], facets: Facets): Plot.Markish[] {
  return seriesOf(points).map((series) =>
    Plot.line(pointsIn(series, points), {
      ...facets,
      x: "x",
      y: "y",
      z: "device",
      sort: "x",
      stroke: PRECISION_STYLE[series.precision].colour,
      strokeWidth: series.fill > 0 ? 1 : 1.75,
      strokeDasharray: PRECISION_STYLE[series.precision].dash,
    }),
  );
}

function frontMarks(points: readonly Point[], facets: Facets): Plot.Markish[] {
  return [
    Plot.line(paretoFront(points), {
      ...facets,
      x: "x",
      y: "y",
      z: "device",
      curve: "step-after",
      stroke: "#6b7280",
      strokeWidth: 1.5,
      strokeDasharray: "2 3",
    }),
    ...PRECISIONS.map((precision) =>
      Plot.text(
        points.filter((point) => point.precision === precision),
        {
          ...facets,
          x: "x",
          y: "y",
          text: "label",
          ...(precision === "fp32" ? { dy: -12 } : { dx: -8, dy: -11, textAnchor: "end" }),
          stroke: "#ffffff",
          strokeWidth: 4,
          fontSize: 11,
          fill: PRECISION_STYLE[precision].colour,
        },
      ),
    ),
  ];
}

function barMarks(points: readonly Point[], facets: Facets): Plot.Markish[] {
  const bar = { ...facets, stroke: "precision", strokeWidth: 1.25 };
  return [
    Plot.ruleX(
      points.filter((point) => (point.yHalfWidth ?? 0) > 0),
      {
        ...bar,
        x: "x",
        y1: (point: Point) => point.y - (point.yHalfWidth ?? 0),
        y2: (point: Point) => point.y + (point.yHalfWidth ?? 0),
      },
    ),
    Plot.ruleY(
      points.filter((point) => (point.xHalfWidth ?? 0) > 0),
      {
        ...bar,
        y: "y",
        x1: (point: Point) => point.x - (point.xHalfWidth ?? 0),
        x2: (point: Point) => point.x + (point.xHalfWidth ?? 0),
      },
    ),
  ];
}

function dots(points: readonly Point[], series: Series, facets: Facets): Plot.Markish {
  // What nothing was cut from is one point, whatever the lines that begin there.
  const own = pointsIn(series, points).filter(({ align }) => align !== null || series.fill === 0);
  return Plot.dot(own, {
    ...facets,
    x: "x",
    y: "y",
    symbol: "precision",
    stroke: "precision",
    fill: series.fill > 0 ? "precision" : "none",
    fillOpacity: series.fill,
    r: 4.2,
    strokeWidth: 1.75,
  });
}

/** Labels of several alignments have the multiple behind the fraction. */
function subtitleOf({ front, subtitle }: FigureDefinition, points: readonly Point[]): string {
  const several = new Set(points.flatMap(({ align }) => align ?? [])).size > 1;
  return front === true && several
    ? subtitle.replace("pruning fractions", "pruning fractions / multiples of channels")
    : subtitle;
}

/** The names of both axes, which say where their figures are estimates. */
function axisLabels(definition: FigureDefinition, results: Results): { x: string; y: string } {
  const suffix = { none: "", some: ", partly estimate", all: ", estimate" }[estimated(results)];
  return {
    x: definition.x.label + (definition.x.power ? suffix : ""),
    y: definition.y + (definition.panels.some((panel) => panel.power) ? suffix : ""),
  };
}

function describe(
  definition: FigureDefinition,
  points: readonly Point[],
  body: SVGElement | readonly string[],
  results: Results,
): string {
  if (Array.isArray(body)) return body.join(" ");
  const severalPanels = definition.panels.length > 1;
  const figuresInWords = points.map(
    (point) =>
      `${point.device}, ${point.model} ${point.precision}${severalPanels ? ` ${point.panel}` : ""}: ` +
      `${formatFigure(point.x)}, ${formatWithHalfWidth(point.y, point.yHalfWidth)}`,
  );
  const labels = axisLabels(definition, results);
  return `${labels.x}; ${labels.y}. ${figuresInWords.join("; ")}.`;
}
