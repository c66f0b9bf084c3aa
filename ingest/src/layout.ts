import type { FieldType, Measurement } from "@edgewatt/protocol";
import { escapeKey, escapeMeasurement, formatFieldValue, isTagValue } from "@edgewatt/database";

/** A field as lines name it. */
interface FieldLayout {
  readonly column: string;
  readonly type: FieldType;
  /** `watts=` */
  readonly key: string;
}

/** A tag as lines name it. */
interface TagLayout {
  readonly from: Measurement["tags"][number]["from"];
  /** `,channel=` */
  readonly key: string;
}

/** What all lines of a measurement share, worked out once. */
export interface Layout {
  readonly name: string;
  /** The measurement as it begins a line. */
  readonly prefix: string;
  /** Sorted by key, as InfluxDB advises. */
  readonly tags: readonly TagLayout[];
  readonly fields: readonly FieldLayout[];
  /** The columns that the catalogue knows. */
  readonly columns: ReadonlySet<string>;
}

const layouts = new WeakMap<Measurement, Layout>();

export function layoutOf(measurement: Measurement): Layout {
  const known = layouts.get(measurement);
  if (known) return known;
  const { name, tags, fields } = measurement;
  const made: Layout = {
    name,
    prefix: escapeMeasurement(name),
    tags: [...tags]
      .sort((a, b) => (a.name < b.name ? -1 : 1))
      .map((tag) => ({ from: tag.from, key: `,${escapeKey(tag.name)}=` })),
    fields: fields.map((field) => ({ column: field.column, type: field.type, key: `${escapeKey(field.name)}=` })),
    columns: new Set([
      ...fields.map(({ column }) => column),
      ...tags.flatMap(({ from }) => (typeof from === "object" ? [from.column] : [])),
    ]),
  };
  layouts.set(measurement, made);
  return made;
}

/** Tags have few values that come again and again; peers can invent more. */
const MAX_TAGS = 10_000;
const escapedTags = new Map<string, string | undefined>();

/** A tag's value as it stands in a line, or `undefined` where line protocol cannot carry it. */
export function formatTag(text: string): string | undefined {
  const known = escapedTags.get(text);
  if (known !== undefined || escapedTags.has(text)) return known;
  const made = isTagValue(text) ? escapeKey(text) : undefined;
  if (escapedTags.size >= MAX_TAGS) escapedTags.clear();
  escapedTags.set(text, made);
  return made;
}

/** A field's value, with the shortest way for what nearly all of them are. */
export function formatField(type: FieldType, value: unknown): string | undefined {
  if (type === "float" && Number.isFinite(value)) return `${value as number}`;
  return formatFieldValue(type, value);
}
