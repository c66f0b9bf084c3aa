import { describeSource, isModelled, type ResultDevice, type Results } from "@edgewatt/protocol";
import { markdownTable } from "markdown-table";
import { figures } from "./figures/index.ts";
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

/** A whole report: table, figures beside it in the same folder, devices and method. */
export function reportMarkdown(results: Results): string {
  const images = figures(results).map(({ name, title }) => `![${escape(title)}](${name}.svg)`);
  const parts = [
    "# edgewatt report",
    `Made ${results.created}. The same figures for machines: [results.json](results.json), [results.csv](results.csv).`,
    "## Results",
    toMarkdown(results).trimEnd(),
    "## Figures",
    ...images,
    "## Devices",
    ...results.devices.map(deviceMarkdown),
  ];
  return `${parts.join("\n\n")}\n`;
}

function deviceMarkdown(device: ResultDevice): string {
  const { power } = device;
  const settings = power === null ? "" : settingsText(power.settings);
  const source =
    power === null
      ? "none: the device has no power source"
      : `${describeSource(power.source)}${isModelled(power.source) ? ", no meter" : ""}, channel ${power.channel}, ${power.rateHz} Hz${settings}`;
  const facts = [
    `board: ${device.board}`,
    `processor: ${device.cpu}, ${device.cores} cores, governor ${device.governor ?? "unknown"}`,
    `software: ${device.os}, Node ${device.node}, ONNX Runtime ${device.onnxruntime}`,
    `power: ${source}`,
  ];
  return [`**${escape(device.id)}**`, "", ...facts.map((fact) => `- ${escape(fact)}`)].join("\n");
}

function settingsText(settings: Readonly<Record<string, unknown>>): string {
  const entries = Object.entries(settings).map(
    ([key, value]) => `${key} ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return entries.length === 0 ? "" : ` (${entries.join(", ")})`;
}

function cellMarkdown({ text, notes }: TableCell): string {
  const marks = notes.length === 0 ? "" : `<sup>${notes.join(",")}</sup>`;
  return `${escape(text)}${marks}`;
}

/** Text of a device or model must not become markup. */
export function escape(text: string): string {
  return text.replace(/[\\`*_{}[\]<>|]/g, (character) => `\\${character}`).replace(/\s+/g, " ");
}
