import type { Column, Measurement, Stream, TelemetryBatch } from "@edgewatt/protocol";
import { measurementOf } from "@edgewatt/protocol";
import { formatField, formatTag, layoutOf, type Layout } from "./layout.ts";
import type { LineBlock } from "./line-block.ts";

/** What of a batch cannot be stored, for people: `power: unknown column "x"`. */
type Omission = string;

export interface Points {
  readonly block: LineBlock;
  readonly omissions: ReadonlySet<Omission>;
}

interface Source {
  readonly device: string | undefined;
  readonly channelKey: string;
  /** A channel's own object, its times among them: a copy without these would cost more than all else here. */
  readonly columns: Readonly<Record<string, Column>>;
}

type Cell = Extract<Column, readonly unknown[]>[number] | undefined;

/** The text of a block as it grows. */
interface Draft {
  text: string;
  readonly ends: number[];
  readonly omissions: Set<Omission>;
}

function at(column: Column | undefined, row: number): Cell {
  return Array.isArray(column) ? column[row] : column;
}

function tagColumn({ device, channelKey, columns }: Source, from: Layout["tags"][number]["from"]): Column | undefined {
  if (from === "device") return device;
  return from === "channel" ? channelKey : columns[from.column];
}

/** The series of a row, or `undefined` when a tag's value cannot be written. An absent tag is no tag. */
function seriesOf(layout: Layout, source: Source, row: number): string | undefined {
  let series = layout.prefix;
  for (const { from, key } of layout.tags) {
    const value = at(tagColumn(source, from), row);
    if (value === null || value === undefined || value === "") continue;
    const text = formatTag(String(value));
    if (text === undefined) return undefined;
    series += key + text;
  }
  return series;
}

function noteUnknownColumns(layout: Layout, columns: Source["columns"], omissions: Set<Omission>): void {
  for (const name in columns) {
    if (name === "t0" || name === "dt" || layout.columns.has(name)) continue;
    omissions.add(`${layout.name}: unknown column ${JSON.stringify(name)}`);
  }
}

/** Adds a line for each row that has a field. */
function addPoints(
  measurement: Measurement,
  source: Source,
  time: { readonly t0: number; readonly dt: readonly number[] },
  draft: Draft,
): void {
  const layout = layoutOf(measurement);
  const { columns } = source;
  noteUnknownColumns(layout, columns, draft.omissions);
  const fields = layout.fields.filter(({ column }) => columns[column] !== undefined);
  const isConstant = layout.tags.every(({ from }) => !Array.isArray(tagColumn(source, from)));
  const constant = isConstant ? seriesOf(layout, source, 0) : undefined;
  for (let row = 0; row < time.dt.length; row++) {
    let pairs = "";
    for (const { column, type, key } of fields) {
      const value = at(columns[column], row);
      if (value === null || value === undefined) continue;
      const text = formatField(type, value);
      if (text === undefined) draft.omissions.add(`${layout.name}: column "${column}" is not of type ${type}`);
      else pairs += (pairs === "" ? " " : ",") + key + text;
    }
    if (pairs === "") continue;
    const series = isConstant ? constant : seriesOf(layout, source, row);
    if (series === undefined) {
      draft.omissions.add(`${layout.name}: a tag holds a control character or ends in a backslash`);
      continue;
    }
    draft.text += `${series}${pairs} ${time.t0 + (time.dt[row] ?? 0)}\n`;
    draft.ends.push(draft.text.length);
  }
}

function emptyDraft(): Draft {
  return { text: "", ends: [], omissions: new Set() };
}

/**
 * The points of a batch by the metrics catalogue: tags from the topic, the channel's key or columns, one field per column.
 * Null cells are left out, and rows without any field; what the catalogue does not know is an omission and no error.
 */
export function toPoints(device: string, stream: Stream, batch: TelemetryBatch): Points {
  const draft = emptyDraft();
  for (const [channelKey, channel] of Object.entries(batch.ch)) {
    const measurement = measurementOf(stream, channelKey);
    if (measurement) addPoints(measurement, { device, channelKey, columns: channel }, channel, draft);
    else draft.omissions.add(`${stream}: unknown channel ${JSON.stringify(channelKey)}`);
  }
  return { block: draft, omissions: draft.omissions };
}

/** The point of a measurement that a service writes about itself; columns are those of the catalogue. */
export function toOwnPoint(
  measurement: Measurement,
  columns: Readonly<Record<string, string | number | boolean>>,
  timeUs: number,
): LineBlock {
  const draft = emptyDraft();
  const source = { device: undefined, channelKey: measurement.name, columns };
  addPoints(measurement, source, { t0: timeUs, dt: [0] }, draft);
  return draft;
}
