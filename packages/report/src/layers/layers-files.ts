import type { Layers } from "@edgewatt/protocol";
import { escape, viewMarkdown } from "../markdown.ts";
import { IMPORTANCE_FIGURE, importanceFigure } from "./importance-figure.ts";
import { layersCsv } from "./layers-csv.ts";
import { layersTable } from "./layers-table.ts";

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

/** The files that show the layers of a model, `layers.json` last. */
export function layersFiles(layers: Layers): (readonly [name: string, text: string])[] {
  return [
    [`${IMPORTANCE_FIGURE}.svg`, importanceFigure(layers)],
    ["layers.csv", layersCsv(layers)],
    ["layers.md", layersMarkdown(layers)],
    ["layers.json", `${JSON.stringify(layers, null, 2)}\n`],
  ];
}
