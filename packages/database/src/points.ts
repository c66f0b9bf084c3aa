import { rowsOf, type Cell, type Series } from "./answer.ts";
import { DATABASE, type DatabaseClient } from "./client.ts";
import { identifier, source, text } from "./influxql.ts";
import { escapeKey, formatSeries } from "./line-protocol.ts";
import type { FieldType } from "@edgewatt/protocol";

/** Which points to read. */
export interface Selection {
  /** Default: the database's default policy. */
  readonly policy?: string | undefined;
  readonly measurement: string;
  /** Default: all. */
  readonly devices?: readonly string[] | undefined;
  readonly from?: Date | undefined;
  /** Not included. */
  readonly to?: Date | undefined;
}

const ROWS_PER_TABLE = 5000;

/** Names of the measurements that have points, in a policy or any. */
export async function measurementNames(client: DatabaseClient): Promise<string[]> {
  const [tables = []] = await client.query(`SHOW MEASUREMENTS ON ${identifier(DATABASE)}`);
  return rowsOf(tables).map(({ name }) => String(name));
}

/** Fields of a measurement by name; where one has several types in its history, those that `SELECT *` gives. */
async function fieldTypes(client: DatabaseClient, from: string): Promise<Map<string, FieldType>> {
  const [tables = []] = await client.query(`SHOW FIELD KEYS FROM ${from}`);
  const types = new Map<string, FieldType>();
  for (const { fieldKey, fieldType } of rowsOf(tables)) {
    // Float comes before integer where a field has been both (InfluxDB 1.x, "Data types", field type discrepancies).
    if (types.get(String(fieldKey)) !== "float") types.set(String(fieldKey), String(fieldType) as FieldType);
  }
  return types;
}

function conditions({ devices, from, to }: Selection): string {
  const all = [
    ...(from === undefined ? [] : [`time >= ${from.getTime()}ms`]),
    ...(to === undefined ? [] : [`time < ${to.getTime()}ms`]),
    ...(devices === undefined ? [] : [`(${devices.map((device) => `"device" = ${text(device)}`).join(" OR ")})`]),
  ];
  return all.length === 0 ? "" : ` WHERE ${all.join(" AND ")}`;
}

/** A cell as line protocol writes it; text is escaped, numbers are as the database wrote them. */
function fieldText(cell: Cell, type: FieldType | undefined): string {
  if (typeof cell === "boolean") return String(cell);
  if (type === "string" && typeof cell === "string") return `"${cell.replaceAll(/["\\]/g, String.raw`\$&`)}"`;
  return type === "integer" ? `${String(cell)}i` : String(cell);
}

function linesOf(
  { name = "", tags = {}, columns, values = [] }: Series,
  types: ReadonlyMap<string, FieldType>,
): string[] {
  const series = formatSeries(
    name,
    Object.entries(tags).filter(([, value]) => value !== ""),
  );
  const keys = columns.map((column) => escapeKey(column));
  return values.flatMap((row) => {
    const fields: string[] = [];
    for (let i = 1; i < row.length; i++) {
      const cell = row[i] ?? null;
      if (cell !== null) fields.push(`${keys[i]}=${fieldText(cell, types.get(columns[i] ?? ""))}`);
    }
    return fields.length === 0 ? [] : [`${series} ${fields.join(",")} ${row[0]}`];
  });
}

/**
 * Points as lines with timestamps in ns, some thousand at a time: tags, fields and their types as they were written.
 * @throws {DatabaseError | UnreachableError}
 */
export async function* readPoints(client: DatabaseClient, selection: Selection): AsyncGenerator<string[]> {
  const { policy, measurement } = selection;
  const from = source(DATABASE, policy, measurement);
  const types = await fieldTypes(client, from);
  if (types.size === 0) return;
  for await (const table of client.stream(`SELECT * FROM ${from}${conditions(selection)} GROUP BY *`, ROWS_PER_TABLE)) {
    const lines = linesOf(table, types);
    if (lines.length > 0) yield lines;
  }
}
