import type { Layers } from "@edgewatt/protocol";
import { escape, viewMarkdown } from "../markdown.ts";
import { renderView } from "../terminal.ts";
import { writeFiles } from "../write-report.ts";
import { IMPORTANCE_FIGURE, importanceFigure } from "./importance-figure.ts";
import { layersCsv } from "./layers-csv.ts";
import { layersTable } from "./layers-table.ts";

/** The layers as text of at most `width` columns. */
export function renderLayers(layers: Layers, options: { width?: number } = {}): string {
  return renderView(layersTable(layers), options);
}

export function layersMarkdown(layers: Layers): string {
  const where = layers.device === null ? "" : ` on ${escape(layers.device)}`;
  const parts = [
    `# Importance of the layers of ${escape(layers.model)}${where}`,
    `Made ${layers.created}. The same figures for machines: [layers.json](layers.json), [layers.csv](layers.csv).`,
    `![Importance of each layer](${IMPORTANCE_FIGURE}.svg)`,
    viewMarkdown(layersTable(layers)).trimEnd(),
  ];
  return `${parts.join("\n\n")}\n`;
}

/**
 * Writes `layers.json`, `layers.csv`, `layers.md` and the figure into a folder, which it creates; `layers.json` last. Resolves to the
 * names of the files.
 * @throws {ReportError} code `write-failed`
 */
export function writeLayersReport(dir: string, layers: Layers): Promise<string[]> {
  return writeFiles(dir, [
    [`${IMPORTANCE_FIGURE}.svg`, importanceFigure(layers)],
    ["layers.csv", layersCsv(layers)],
    ["layers.md", layersMarkdown(layers)],
    ["layers.json", `${JSON.stringify(layers, null, 2)}\n`],
  ]);
}
