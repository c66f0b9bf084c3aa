import type { FieldType } from "@edgewatt/protocol";

/** One point in InfluxDB's line protocol, its timestamp in µs. */
export type Line = string;

// Line protocol has no escape for these in a tag: a line break ends the line, and a final backslash joins what follows.
const INEXPRESSIBLE_TAG = /[\p{Cc}\u2028\u2029]|\\$/u;

/** Whether line protocol can carry the text as the value of a tag. */
export function isTagValue(text: string): boolean {
  return text !== "" && !INEXPRESSIBLE_TAG.test(text);
}

/** Escapes a tag's key or value or a field's key (InfluxDB 1.8, line protocol reference, "Special characters"). */
export function escapeKey(text: string): string {
  return text.replaceAll(/[,= ]/g, String.raw`\$&`);
}

/** Escapes a measurement, in which an equals sign stands for itself. */
export function escapeMeasurement(text: string): string {
  return text.replaceAll(/[, ]/g, String.raw`\$&`);
}

function quote(text: string): string {
  return `"${text.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
}

/** A field's value as line protocol writes it; `undefined` where the value is not of the field's type. */
export function formatFieldValue(type: FieldType, value: unknown): string | undefined {
  switch (type) {
    case "float":
      return Number.isFinite(value) ? String(value) : undefined;
    case "integer":
      return Number.isSafeInteger(value) ? `${String(value)}i` : undefined;
    case "string":
      return typeof value === "string" ? quote(value) : undefined;
    case "boolean":
      return typeof value === "boolean" ? String(value) : undefined;
  }
}

/** Measurement and tags, with which a line begins. Tags are sorted by key, as InfluxDB advises. */
export function formatSeries(measurement: string, tags: readonly (readonly [name: string, value: string])[]): string {
  const sorted = [...tags].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    escapeMeasurement(measurement),
    ...sorted.map(([name, value]) => `${escapeKey(name)}=${escapeKey(value)}`),
  ].join(",");
}

/** Lines as files hold them: timestamps in ns, which every reader of line protocol takes as the default. */
export function formatFileText(lines: readonly Line[]): string {
  return lines.map((line) => `${line}000\n`).join("");
}

/** The measurement of a line, escaped as it stands there. */
export function measurementOfLine(line: Line): string {
  return /^(?:\\.|[^, \\])*/.exec(line)?.[0] ?? "";
}
