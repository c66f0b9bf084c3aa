import type { Channel, Column, Field, Measurement, Stream, TelemetryBatch } from "@edgewatt/protocol";
import { measurementOf } from "@edgewatt/protocol";
import type { Line } from "@edgewatt/database";
import { escapeKey, formatFieldValue, formatLine, formatSeries, isTagValue } from "@edgewatt/database";

/** What of a batch cannot be stored, for people: `power: unknown column "x"`. */
type Omission = string;

export interface Points {
  readonly lines: readonly Line[];
  readonly omissions: ReadonlySet<Omission>;
}

interface Source {
  readonly device: string | undefined;
  readonly channelKey: string;
  readonly columns: Readonly<Record<string, Column>>;
  readonly t0: number;
  readonly dt: readonly number[];
}

type Cell = Extract<Column, readonly unknown[]>[number] | undefined;

function at(column: Column | undefined, row: number): Cell {
  return Array.isArray(column) ? column[row] : column;
}

type TagValue = { readonly name: string; readonly constant: Cell } | { readonly name: string; readonly column: Column };

function tagValues(measurement: Measurement, source: Source): TagValue[] {
  return measurement.tags.map(({ name, from }) => {
    if (from === "device") return { name, constant: source.device };
    if (from === "channel") return { name, constant: source.channelKey };
    const values = source.columns[from.column];
    return Array.isArray(values) ? { name, column: values } : { name, constant: values };
  });
}

/** The series of a row, or `undefined` when a tag's value cannot be written. An absent tag is no tag. */
function seriesOf(measurement: Measurement, tags: readonly TagValue[], row: number): string | undefined {
  const present: [string, string][] = [];
  for (const tag of tags) {
    const value = "column" in tag ? at(tag.column, row) : tag.constant;
    if (value === null || value === undefined || value === "") continue;
    const text = String(value);
    if (!isTagValue(text)) return undefined;
    present.push([tag.name, text]);
  }
  return formatSeries(measurement.name, present);
}

function createSeriesReader(measurement: Measurement, source: Source): (row: number) => string | undefined {
  const tags = tagValues(measurement, source);
  if (tags.some((tag) => "column" in tag)) return (row) => seriesOf(measurement, tags, row);
  const series = seriesOf(measurement, tags, 0);
  return () => series;
}

function presentFields(
  measurement: Measurement,
  columns: Source["columns"],
): { field: Field; key: string; column: Column }[] {
  return measurement.fields.flatMap((field) => {
    const values = columns[field.column];
    return values === undefined ? [] : [{ field, key: escapeKey(field.name), column: values }];
  });
}

function unknownColumns(measurement: Measurement, columns: Source["columns"]): Omission[] {
  const known = new Set(measurement.fields.map((field) => field.column));
  for (const { from } of measurement.tags) if (typeof from === "object") known.add(from.column);
  return Object.keys(columns)
    .filter((name) => !known.has(name))
    .map((name) => `${measurement.name}: unknown column ${JSON.stringify(name)}`);
}

function addPoints(measurement: Measurement, source: Source, into: { lines: Line[]; omissions: Set<Omission> }): void {
  for (const omission of unknownColumns(measurement, source.columns)) into.omissions.add(omission);
  const fields = presentFields(measurement, source.columns);
  const readSeries = createSeriesReader(measurement, source);
  source.dt.forEach((offsetUs, row) => {
    const pairs: string[] = [];
    for (const { field, key, column } of fields) {
      const value = at(column, row);
      if (value === null || value === undefined) continue;
      const text = formatFieldValue(field.type, value);
      if (text === undefined)
        into.omissions.add(`${measurement.name}: column "${field.column}" is not of type ${field.type}`);
      else pairs.push(`${key}=${text}`);
    }
    if (pairs.length === 0) return;
    const series = readSeries(row);
    if (series === undefined)
      into.omissions.add(`${measurement.name}: a tag holds a control character or ends in a backslash`);
    else into.lines.push(formatLine(series, pairs, source.t0 + offsetUs));
  });
}

function sourceOf(device: string, channelKey: string, { t0, dt, ...columns }: Channel): Source {
  return { device, channelKey, columns, t0, dt };
}

/**
 * The points of a batch by the metrics catalogue: tags from the topic, the channel's key or columns, one field per column.
 * Null cells are left out, and rows without any field; what the catalogue does not know is an omission and no error.
 */
export function toPoints(device: string, stream: Stream, batch: TelemetryBatch): Points {
  const points = { lines: [] as Line[], omissions: new Set<Omission>() };
  for (const [channelKey, channel] of Object.entries(batch.ch)) {
    const measurement = measurementOf(stream, channelKey);
    if (measurement) addPoints(measurement, sourceOf(device, channelKey, channel), points);
    else points.omissions.add(`${stream}: unknown channel ${JSON.stringify(channelKey)}`);
  }
  return points;
}

/** The point of a measurement that a service writes about itself; columns are those of the catalogue. */
export function toOwnPoint(
  measurement: Measurement,
  columns: Readonly<Record<string, string | number>>,
  timeUs: number,
): readonly Line[] {
  const points = { lines: [] as Line[], omissions: new Set<Omission>() };
  addPoints(measurement, { device: undefined, channelKey: measurement.name, columns, t0: timeUs, dt: [0] }, points);
  return points.lines;
}
