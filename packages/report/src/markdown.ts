import type { Layers, ResultDevice, ResultRow, Results } from "@edgewatt/protocol";
import { markdownTable } from "markdown-table";
import { comparisonTable } from "./comparisons.ts";
import { deviceContext } from "./device-context.ts";
import { figures } from "./figures/index.ts";
import { IMPORTANCE_FIGURE } from "./layers/importance-figure.ts";
import { memoryParagraphs } from "./memory.ts";
import { formatCount } from "./number-format.ts";
import { PUBLISHED, publishedTable, type PublishedStudy, type PublishedTable } from "./published.ts";
import { studyFindings } from "./study/words.ts";
import { resultsTable, type ResultsTable, type TableCell } from "./results-table.ts";

/** The results table with its footnotes and caption. */
export function toMarkdown(results: Results): string {
  return viewMarkdown(resultsTable(results));
}

/** Any table of this package with its footnotes and caption. */
export function viewMarkdown(view: ResultsTable): string {
  const grid = markdownTable(
    [view.columns.map((column) => escape(column.title)), ...view.rows.map((row) => row.map(cellMarkdown))],
    { align: view.columns.map((column) => column.align) },
  );
  const footnotes = view.footnotes.map((text, index) => `- <sup>${index + 1}</sup> ${escape(text)}`);
  return `${[grid, footnotes.join("\n"), view.caption.map(escape).join("  \n")].filter((part) => part !== "").join("\n\n")}\n`;
}

/**
 * A whole report: tables, figures beside it in the same folder, memory, devices and method; of a study first what it found, in words.
 * @param layers importance of the layers of the model, which then lies beside it
 */
export function reportMarkdown(results: Results, layers?: Layers): string {
  const { study } = results;
  const comparisons = comparisonTable(results);
  const memory = memoryParagraphs(results);
  const parts = [
    study === undefined ? "# edgewatt report" : `# Pruning study of ${escape(study.model)}`,
    `Made ${results.created}. The same figures for machines: [results.json](results.json), [results.csv](results.csv).`,
    ...findingsMarkdown(results),
    "## Results",
    toMarkdown(results).trimEnd(),
    ...(comparisons === undefined ? [] : ["## Comparisons", ...gridWithNotes(comparisons)]),
    "## Figures",
    ...figures(results).map(({ name, title }) => `![${escape(title)}](${name}.svg)`),
    ...(layers === undefined ? [] : layersMarkdownSection(layers)),
    ...(memory.length === 0 ? [] : ["## Memory", ...memory.map(escape)]),
    "## Devices",
    ...results.devices.map((device) => deviceMarkdown(device, results)),
    ...traceMarkdown(results.rows),
    // A table of other models has nothing to say of the user's own.
    ...(study === undefined ? ["## Published", ...PUBLISHED.flatMap(publishedMarkdown)] : []),
  ];
  return `${parts.join("\n\n")}\n`;
}

function findingsMarkdown(results: Results): string[] {
  const findings = studyFindings(results);
  if (findings.length === 0) return [];
  return ["## Findings", ...findings.map(({ about, text }) => `**${about}.** ${escapeWords(text)}`)];
}

/** Commands keep their backquotes. */
function escapeWords(text: string): string {
  return text
    .split("`")
    .map((part, index) => (index % 2 === 0 ? escape(part) : `\`${part}\``))
    .join("");
}

function layersMarkdownSection({ model }: Layers): string[] {
  return [
    "## Layers",
    `![Importance of each layer of ${escape(model)}](${IMPORTANCE_FIGURE}.svg)`,
    "The figures behind it, and how they were measured: [layers.md](layers.md), [layers.csv](layers.csv).",
  ];
}

/** A table of texts with a line under it for each note. */
function gridWithNotes({ head, rows, notes }: Pick<PublishedTable, "head" | "rows" | "notes">): string[] {
  const grid = markdownTable([head.map(escape), ...rows.map((row) => row.map(escape))]);
  return [grid, notes.map((note) => `- ${escape(note)}`).join("\n")];
}

function publishedMarkdown(study: PublishedStudy): string[] {
  const table = publishedTable(study);
  return [escape(table.title), ...gridWithNotes(table)];
}

function deviceMarkdown(device: ResultDevice, results: Results): string {
  const rows = results.rows.filter((row) => row.device === device.id);
  return [`**${escape(device.id)}**`, "", ...deviceContext(device, rows).map((fact) => `- ${escape(fact)}`)].join("\n");
}

/** Where the full-rate readings are: at the hub, or on the device that took them. */
function traceMarkdown(rows: readonly ResultRow[]): string[] {
  const lines = rows.flatMap(({ device, trace }) => {
    if (trace === undefined || trace === null) return [];
    const where = trace.url === null ? `on ${escape(device)}` : `<${trace.url}>`;
    return [`- ${escape(trace.name)}, ${formatCount(trace.bytes)} bytes, ${where}, sha256 ${trace.sha256}`];
  });
  return lines.length === 0
    ? []
    : [
        "## Readings",
        "Every reading of every window and its idle stretches, as gzip'd CSV. Addresses are of the hub that keeps them, and answer while it runs.",
        lines.join("\n"),
      ];
}

function cellMarkdown({ text, notes }: TableCell): string {
  const marks = notes.length === 0 ? "" : `<sup>${notes.join(",")}</sup>`;
  return `${escape(text)}${marks}`;
}

/** Text of a device or model must not become markup. */
export function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|]/g, (character) => `\\${character}`).replace(/\s+/g, " ");
}
