import { parseHTML } from "linkedom";
import { PRECISION_STYLE, type Series } from "./series.ts";

const SVG = "http://www.w3.org/2000/svg";
const INK = "#1f2430";
const MUTED = "#5b6270";
const MARGIN = 16;

/** A document that lives in memory: figures are drawn without a browser. */
export function createDocument(): Document {
  return parseHTML("<html><body></body></html>").document;
}

function node(document: Document, name: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

function textNode(document: Document, text: string, attributes: Readonly<Record<string, string | number>>): SVGElement {
  const element = node(document, "text", attributes);
  element.textContent = text;
  return element;
}

export interface FrameContent {
  readonly name: string;
  readonly title: string;
  readonly subtitle: string;
  /** All data in words, for those who cannot see the figure. */
  readonly description: string;
  readonly width: number;
  readonly height: number;
  readonly series: readonly Pick<Series, "name" | "precision" | "fill">[];
  /** A chart of {@link Plot}, or lines of text where there is nothing to draw. */
  readonly body: SVGElement | readonly string[];
}

export const HEADER_HEIGHT = 80;
export const INDENT = 12;

/** A self-contained SVG file: white ground, title, legend, body; the same text for the same content. */
export function frame(document: Document, content: FrameContent): string {
  const { name, width, height } = content;
  const root = node(document, "svg", {
    xmlns: SVG,
    viewBox: `0 0 ${width} ${height}`,
    width,
    height,
    role: "img",
    "aria-labelledby": `${name}-title ${name}-desc`,
    "font-family": "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif",
    color: INK,
    fill: INK,
  });
  const title = node(document, "title", { id: `${name}-title` });
  title.textContent = content.title;
  const description = node(document, "desc", { id: `${name}-desc` });
  description.textContent = content.description;
  root.append(
    title,
    description,
    node(document, "rect", { width, height, rx: 8, fill: "#ffffff" }),
    textNode(document, content.title, { x: MARGIN, y: 28, "font-size": 16, "font-weight": 650 }),
    textNode(document, content.subtitle, { x: MARGIN, y: 46, "font-size": 11.5, fill: MUTED }),
    legend(document, content.series),
  );
  const { body } = content;
  if (isLines(body)) {
    root.append(
      ...body.map((line, index) =>
        textNode(document, line, {
          x: width / 2,
          y: height / 2 + index * 18,
          "text-anchor": "middle",
          "font-size": 13,
        }),
      ),
    );
  } else {
    root.append(placed(document, body));
  }
  return `${root.outerHTML}\n`;
}

function isLines(body: FrameContent["body"]): body is readonly string[] {
  return Array.isArray(body);
}

/** Plot's style sheet is for HTML pages: here it would fight with the size, and break a content policy without inline styles. */
function placed(document: Document, chart: SVGElement): SVGElement {
  for (const style of chart.querySelectorAll("style")) style.remove();
  chart.setAttribute("font-size", "12");
  const group = node(document, "g", { transform: `translate(${INDENT},${HEADER_HEIGHT})` });
  group.append(chart);
  return group;
}

/** Several charts, each at its own place, as one. */
export function sideBySide(document: Document, charts: readonly SVGElement[]): SVGElement {
  const parent = node(document, "g", {});
  parent.append(...charts);
  return parent;
}

const LEGEND_SYMBOL = 32;
const LEGEND_GAP = 14;
/** Of a letter of the legend on average, so that entries do not touch. */
const LETTER = 6.2;

function legend(document: Document, series: FrameContent["series"]): SVGElement {
  const group = node(document, "g", { transform: `translate(${MARGIN},64)`, "aria-hidden": "true" });
  let x = 0;
  for (const { name, precision, fill } of series) {
    const style = PRECISION_STYLE[precision];
    const stroke = { stroke: style.colour, "stroke-width": fill > 0 ? 1 : 1.75 };
    const inside = { fill: fill > 0 ? style.colour : "#ffffff", "fill-opacity": fill > 0 ? fill : 1 };
    group.append(
      node(document, "line", { x1: x, x2: x + 26, y1: 0, y2: 0, ...stroke, "stroke-dasharray": style.dash }),
      style.symbol === "circle"
        ? node(document, "circle", { cx: x + 13, cy: 0, r: 4.2, ...stroke, ...inside })
        : node(document, "rect", { x: x + 9, y: -4, width: 8, height: 8, ...stroke, ...inside }),
      textNode(document, name, { x: x + LEGEND_SYMBOL, y: 4, "font-size": 12 }),
    );
    x += LEGEND_SYMBOL + name.length * LETTER + LEGEND_GAP;
  }
  return group;
}
