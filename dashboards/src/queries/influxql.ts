import type { Measurement } from "@edgewatt/protocol";
import { columnName, columnText, type Selection } from "./columns.ts";
import { fieldOf, namesOf, quoted, quotedTag, type Names } from "./names.ts";

export type { Selection } from "./columns.ts";
export { fieldOf } from "./names.ts";

/** The retention policy that is chosen at the top of the dashboard: as measured, or means over seconds or minutes. */
export const CHOSEN_POLICY = "$resolution";

export interface Query {
  /** A measurement, or inner queries whose columns and tags this one reads; several of one measurement are read as one. */
  readonly from: Measurement | Query | readonly [Query, Query];
  readonly select: readonly Selection[];
  readonly where?: readonly string[];
  /** Tags, each of whose values makes a series of its own. */
  readonly groupBy?: readonly string[];
  /** One value per interval: the interval that Grafana finds fit for the width of the graph, or a fixed one. */
  readonly perInterval?: boolean | `${number}${"s" | "m" | "h" | "d"}`;
  /** What stands for an interval without points; left out unless told. */
  readonly fill?: "null" | number;
  /** Retention policy of a measurement; the database's default one unless told. */
  readonly policy?: string;
  /**
   * How much before the view points are read too, such as `6h`, for what began earlier and for what tells only now and then.
   * Bounded, since the time range alone keeps a query from reading everything.
   */
  readonly reachBack?: `${number}${"m" | "h" | "d"}`;
  /** Only this much of the end of the view is read, such as `30s`: an older value would not be one of now. */
  readonly lately?: `${number}${"s" | "m"}`;
}

function innerOf(source: Exclude<Query["from"], Measurement>): readonly Query[] {
  return "select" in source ? [source] : source;
}

function sourceNames(source: Query["from"]): Names {
  if ("name" in source) return namesOf(source);
  const inner = innerOf(source);
  return {
    of: "the inner query",
    fields: inner.flatMap(({ select }) => select.map(columnName)).filter((name) => name !== undefined),
    tags: inner.flatMap(({ groupBy = [] }) => groupBy),
  };
}

function sourceText({ from, policy }: Query): string {
  if (!("name" in from))
    return innerOf(from)
      .map((query) => `(${influxql(query)})`)
      .join(", ");
  return policy === undefined ? `"${from.name}"` : `"${policy}"."${from.name}"`;
}

function timeCondition({ reachBack, lately }: Query): string {
  // Braces, as a unit follows the name.
  if (lately !== undefined) return `time >= \${__to}ms - ${lately} AND time <= \${__to}ms`;
  return reachBack === undefined ? "$timeFilter" : `time >= \${__from}ms - ${reachBack} AND time <= \${__to}ms`;
}

function intervalOf({ perInterval }: Query): string[] {
  if (perInterval === undefined || perInterval === false) return [];
  return [`time(${perInterval === true ? "$__interval" : perInterval})`];
}

/** InfluxQL for Grafana, in the time range of the dashboard. @throws {CatalogueError} for a name that is not there */
export function influxql(query: Query): string {
  const names = sourceNames(query.from);
  const columns = query.select.map((selection) => columnText(names, selection)).join(", ");
  const conditions = [...(query.where ?? []), timeCondition(query)].join(" AND ");
  const interval = intervalOf(query);
  const groups = [...interval, ...(query.groupBy ?? []).map((tag) => quotedTag(names, tag))];
  return [
    `SELECT ${columns} FROM ${sourceText(query)} WHERE ${conditions}`,
    ...(groups.length === 0 ? [] : [`GROUP BY ${groups.join(", ")}`]),
    ...(interval.length === 0 ? [] : [`fill(${query.fill ?? "none"})`]),
  ].join(" ");
}

/**
 * A condition that the tag has one of the values chosen in the dashboard. A regular expression, because that is the only
 * form in which Grafana's data source escapes several values; anchored, so that `pi-1` does not choose `pi-10`.
 */
export function chosen(measurement: Measurement, tag: string): string {
  return `${quotedTag(namesOf(measurement), tag)} =~ /^$${tag}$/`;
}

/** A condition that a tag or field has one fixed value. */
export function equals(measurement: Measurement, name: string, value: string): string {
  return `${quoted(namesOf(measurement), name)} = '${value}'`;
}

/** A condition that a tag or field has one of several words of letters and digits. */
export function isOneOf(measurement: Measurement, name: string, words: readonly string[]): string {
  return `${quoted(namesOf(measurement), name)} =~ /^(${words.join("|")})$/`;
}

/** The opposite of {@link isOneOf}. */
export function isNoneOf(measurement: Measurement, name: string, words: readonly string[]): string {
  return `${quoted(namesOf(measurement), name)} !~ /^(${words.join("|")})$/`;
}

/**
 * A condition that the point belongs to one of the jobs chosen as `run`; a run is `job/index`. The variable holds jobs,
 * since Grafana does not escape a value that begins with a digit, and the slash of a whole run would end the expression.
 */
export function ofChosenRun(measurement: Measurement): string {
  return `"${fieldOf(measurement, "run").name}" =~ /^$run\\//`;
}

/** The values of a tag, for a variable. */
export function tagValues(measurement: Measurement, tag: string): string {
  return `SHOW TAG VALUES FROM "${measurement.name}" WITH KEY = ${quotedTag(namesOf(measurement), tag)}`;
}

/** The values of a field on the chosen devices, as far back as the chosen policy keeps them, for a variable. */
export function fieldValues(measurement: Measurement, field: string): string {
  const source = `"${CHOSEN_POLICY}"."${measurement.name}"`;
  return `SELECT DISTINCT("${fieldOf(measurement, field).name}") FROM ${source} WHERE ${chosen(measurement, "device")}`;
}
