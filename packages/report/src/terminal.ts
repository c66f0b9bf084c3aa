import type { Layers, Results } from "@edgewatt/protocol";
import { getBorderCharacters, table } from "table";
import { layersTable } from "./layers/layers-table.ts";
import { resultsTable, type ResultsTable, type TableCell, type TableColumn } from "./results-table.ts";

const LABEL_KEYS: ReadonlySet<string> = new Set(["device", "model", "precision", "index", "layer"]);
const DEFAULT_WIDTH = 220;
const CELL_PADDING = 2;

/**
 * The results table as text of at most `width` columns. What does not fit beside each other stands in tables under each
 * other, each with the labels of its rows.
 */
export function renderTable(results: Results, options: { width?: number } = {}): string {
  return renderView(resultsTable(results), options);
}

/** The layers of a model as text of at most `width` columns. */
export function renderLayers(layers: Layers, options: { width?: number } = {}): string {
  return renderView(layersTable(layers), options);
}

/** Any table of this package, in the same way. */
function renderView(view: ResultsTable, options: { width?: number } = {}): string {
  const width = options.width ?? DEFAULT_WIDTH;
  const texts = view.rows.map((row) => row.map(cellText));
  const parts = splitColumns(view, texts, width).map((indexes) => renderPart(view.columns, texts, indexes));
  const notes = [...view.footnotes.map((text, index) => `[${index + 1}] ${text}`), ...view.caption];
  return [...parts, ...notes.map((line) => wrap(line, width)), ""].join("\n");
}

function cellText({ text, notes }: TableCell): string {
  return notes.length === 0 ? text : `${text} [${notes.join(",")}]`.trimStart();
}

/** Every word on its own line: headers are longer than the figures under them. */
function header(column: TableColumn): string {
  return column.short.replaceAll(" ", "\n");
}

function columnWidth(column: TableColumn, texts: readonly (readonly string[])[], index: number): number {
  const words = column.short.split(" ").map((word) => word.length);
  return Math.max(...words, ...texts.map((row) => row[index]?.length ?? 0)) + CELL_PADDING;
}

function splitColumns(view: ResultsTable, texts: readonly (readonly string[])[], width: number): number[][] {
  const widths = view.columns.map((column, index) => columnWidth(column, texts, index));
  const widthOf = (indexes: readonly number[]) => indexes.reduce((sum, index) => sum + (widths[index] ?? 0), 0);
  const all = [...view.columns.keys()];
  if (widthOf(all) <= width) return [all];
  const labels = all.filter((index) => LABEL_KEYS.has(view.columns[index]?.key ?? ""));
  const parts: number[][] = [];
  let part = [...labels];
  for (const index of all) {
    if (labels.includes(index)) continue;
    if (part.length > labels.length && widthOf([...part, index]) > width) {
      parts.push(part);
      part = [...labels];
    }
    part.push(index);
  }
  return [...parts, part];
}

function renderPart(
  columns: readonly TableColumn[],
  texts: readonly (readonly string[])[],
  indexes: readonly number[],
): string {
  const shown = indexes.flatMap((index) => columns[index] ?? []);
  const text = table([shown.map(header), ...texts.map((row) => indexes.map((index) => row[index] ?? ""))], {
    border: {
      ...getBorderCharacters("void"),
      topBody: "─",
      joinBody: "─",
      bottomBody: "─",
    },
    columnDefault: { paddingLeft: 0, paddingRight: CELL_PADDING },
    columns: shown.map((column) => ({ alignment: column.align, verticalAlignment: "bottom" as const })),
    drawHorizontalLine: (line, count) => line <= 1 || line === count,
  });
  return text.replace(/[ ]+$/gm, "");
}

function wrap(text: string, width: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && line.length + 1 + word.length > width) {
      lines.push(line);
      line = `    ${word}`;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line].join("\n");
}
