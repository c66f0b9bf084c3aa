import { counted, inconsistencies, type ResultMethod, type ResultRow, type Results } from "@edgewatt/protocol";
import { COLUMNS, flagCode, UNCUT, whyBlank, type Column } from "./columns.ts";
import { consistencyNote } from "./consistency.ts";
import { methodOf } from "./merge.ts";
import { powerCaption } from "./power-caption.ts";
import { whySlower } from "./slower/why-slower.ts";
import { estimated, estimateText, hasEstimatedPower, powerSourceOf } from "./power-source.ts";

export interface TableColumn {
  readonly key: string;
  readonly title: string;
  readonly short: string;
  readonly align: "left" | "right";
}

/** Text, and the numbers of the footnotes that belong to it. */
export interface TableCell {
  readonly text: string;
  readonly notes: readonly number[];
}

/** The results table as every renderer shows it: terminal, Markdown and page. Plain JSON. */
export interface ResultsTable {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly TableCell[])[];
  /** Numbered from 1 by position. */
  readonly footnotes: readonly string[];
  readonly caption: readonly string[];
}

const BLANK = "–";

/** The rows of a document under the fixed columns, formatted; every blank cell points to a footnote that says why. */
export function resultsTable(results: Results): ResultsTable {
  const estimates = estimated(results);
  const severalDevices = new Set(results.rows.map((row) => row.device)).size > 1;
  const columns = COLUMNS.filter(({ key, optional, format }) =>
    key === "device"
      ? severalDevices
      : optional !== true || results.rows.some((row) => ![null, UNCUT].includes(format(row))),
  );
  const footnotes = collectFootnotes(results, columns);
  const slower = whySlower(results);
  const slowerNotes = (row: ResultRow) =>
    slower.flatMap((note, index) => (note.rows.includes(row) ? [footnotes.texts.length + index + 1] : []));
  const rows = results.rows.map((row) => [
    ...columns.map((column) => {
      const found = cell(column, row, { results, footnotes, estimates });
      return column.key === "latencyMs" ? { ...found, notes: [...found.notes, ...slowerNotes(row)] } : found;
    }),
    flagsCell(row, results, footnotes),
  ]);
  return {
    columns: [
      ...columns.map(({ key, title, short, align, power }) => ({
        key,
        title: power && estimates === "all" ? title.replace(" (", ", estimate (") : title,
        short: power && estimates === "all" ? `${short} est.` : short,
        align,
      })),
      { key: "flags", title: "flags", short: "flags", align: "left" },
    ],
    rows,
    footnotes: [...footnotes.texts, ...slower.map(({ text }) => text)],
    caption: caption(results),
  };
}

interface Footnotes {
  readonly texts: readonly string[];
  numberOf(note: string): number;
}

/** Notes with the same code share a number; where more than their figures differ, each names its rows. */
function collectFootnotes(results: Results, columns: readonly Column[]): Footnotes {
  const byCode = new Map<string, Map<string, ResultRow[]>>();
  for (const row of results.rows) {
    for (const note of notesOf(row, results, columns)) {
      const details = byCode.get(flagCode(note)) ?? new Map<string, ResultRow[]>();
      byCode.set(flagCode(note), details.set(note, [...(details.get(note) ?? []), row]));
    }
  }
  const numbers = new Map([...byCode.keys()].map((code, index) => [code, index + 1]));
  return {
    texts: [...byCode].map(([code, details]) => footnoteText(code, details)),
    numberOf: (note) => numbers.get(flagCode(note)) ?? 0,
  };
}

function footnoteText(code: string, details: ReadonlyMap<string, readonly ResultRow[]>): string {
  const [only] = details.keys();
  if (details.size === 1 && only !== undefined) return only;
  const merged = mergeFigures([...details.keys()]);
  if (merged !== undefined) return merged;
  const each = [...details].map(([note, rows]) => {
    const names = rows.map((row) => `${row.model} ${row.precision}`).join(", ");
    return `${note.slice(code.length).replace(/^:\s*/, "") || code} (${names})`;
  });
  return `${code}: ${each.join("; ")}`;
}

const FIGURE = /(\d+(?:\.\d+)?)/;

/** One text for several that differ in figures only, with the range of each figure; `undefined` when they differ in words. */
function mergeFigures(texts: readonly string[]): string | undefined {
  // Splitting by a group leaves words at even places and figures at odd ones.
  const parts = texts.map((text) => text.split(FIGURE));
  const [first = []] = parts;
  const words = (of: readonly string[]): string => of.filter((_, index) => index % 2 === 0).join("\0");
  if (parts.some((other) => words(other) !== words(first))) return undefined;
  return first
    .map((part, index) => {
      const figures = parts.map((other) => other[index] ?? "");
      if (index % 2 === 0 || new Set(figures).size === 1) return part;
      const sorted = figures.toSorted((a, b) => Number(a) - Number(b));
      return `${sorted[0]} to ${sorted.at(-1)}`;
    })
    .join("");
}

function notesOf(row: ResultRow, results: Results, columns: readonly Column[]): string[] {
  const blanks = columns.filter((column) => column.format(row) === null).flatMap((column) => whyBlank(column, row));
  return [...new Set([...flagsOf(row, results), ...blanks])];
}

/** The flags of a row, and what its document shows to be wrong or different about it. */
function flagsOf(row: ResultRow, results: Results): string[] {
  const known = row.flags.some((flag) => flagCode(flag) === "consistency");
  const faults = known ? [] : inconsistencies(row).map((fault) => `consistency: ${fault}`);
  const method = describeMethod(methodOf(row, results));
  // The seed of the order differs in every run, and is nothing that a reader compares rows by.
  const other = method === describeMethod(results.method) ? [] : [`other method: ${method}`];
  return [...row.flags, ...faults, ...other];
}

interface CellContext {
  readonly results: Results;
  readonly footnotes: Footnotes;
  readonly estimates: "all" | "some" | "none";
}

function cell(column: Column, row: ResultRow, { results, footnotes, estimates }: CellContext): TableCell {
  const text = column.format(row);
  if (text === null) return { text: BLANK, notes: numbersOf(whyBlank(column, row), footnotes) };
  const mark = column.power && estimates === "some" && hasEstimatedPower(row, results);
  return { text: mark ? `${text} est.` : text, notes: [] };
}

function flagsCell(row: ResultRow, results: Results, footnotes: Footnotes): TableCell {
  const flags = flagsOf(row, results);
  return flags.length === 0 ? { text: "none", notes: [] } : { text: "", notes: numbersOf(flags, footnotes) };
}

function numbersOf(notes: readonly string[], footnotes: Footnotes): number[] {
  return [...new Set(notes.map((note) => footnotes.numberOf(note)))].sort((a, b) => a - b);
}

/** A method in words: `3 windows of 2 s (quick), 1 thread, batch 1`. */
function describeMethod(method: ResultMethod): string {
  const quick = method.quick ? " (quick)" : "";
  const accuracy =
    method.accuracyImages === 0
      ? "accuracy not measured"
      : `accuracy on ${counted(method.accuracyImages, "test image")}`;
  return (
    `${windowsText(method)} of ${method.windowS} s per row${quick}, ` +
    `${counted(method.threads, "thread")}, batch ${method.batch}, ${accuracy}`
  );
}

/** Rows whose figures spread get more windows than the others. */
function windowsText({ windows, maxWindows = windows, targetHalfWidthPct }: ResultMethod): string {
  if (maxWindows <= windows || typeof targetHalfWidthPct !== "number") return counted(windows, "window");
  return `${counted(windows, "window")}, and up to ${maxWindows} until their half-width is ${targetHalfWidthPct} %,`;
}

function describeCalibration(results: Results): string {
  const { calibration } = results.method;
  if (calibration === null) return "int8 calibration: none was needed or recorded.";
  const what =
    calibration.kind === "synthetic"
      ? `${counted(calibration.images, "synthetic image")}, not a data set`
      : `${counted(calibration.images, "image")} of kind ${calibration.kind}`;
  return `int8 calibration: ${what}.`;
}

function caption(results: Results): string[] {
  const estimate = estimateText(results.rows.map((row) => powerSourceOf(row, results)));
  return [
    `Method: ${describeMethod(results.method)}.`,
    "± is the 95 % confidence half-width of the mean over windows. MB = 10⁶ bytes. #params: of the float model, before folding.",
    "Gross energy: all energy of the measured window of back-to-back inference ÷ images in it. Net energy: gross minus idle power × time.",
    ...powerCaption(results),
    ...(estimate === undefined ? [] : [estimate]),
    describeCalibration(results),
    consistencyNote(results),
  ];
}
