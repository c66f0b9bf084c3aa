import type { Field, Measurement } from "@edgewatt/protocol";
import { CatalogueError } from "../errors.ts";

type Call = "mean" | "max" | "last" | "integral";

/** A column of a result: a field, or what a function makes of it. */
export interface Selection {
  readonly field: string;
  readonly call?: Call;
  readonly as?: string;
}

export interface Query {
  readonly from: Measurement;
  readonly select: readonly Selection[];
  readonly where?: readonly string[];
  /** Tags, each of whose values makes a series of its own. */
  readonly groupBy?: readonly string[];
  /** One value per interval of the graph; intervals without points are left out. */
  readonly perInterval?: boolean;
}

/** The catalogue's entry of a field. @throws {CatalogueError} when the measurement has no such field */
export function fieldOf(measurement: Measurement, name: string): Field {
  const field = measurement.fields.find((candidate) => candidate.name === name);
  if (field) return field;
  throw absent(measurement, "field", name);
}

function absent(measurement: Measurement, kind: string, name: string): CatalogueError {
  return new CatalogueError(
    `measurement ${measurement.name} has no ${kind} ${name}: take one of the metrics catalogue`,
    {
      code: "not-in-catalogue",
      context: { measurement: measurement.name, [kind]: name },
    },
  );
}

function tagOf(measurement: Measurement, name: string): string {
  if (measurement.tags.some((tag) => tag.name === name)) return name;
  throw absent(measurement, "tag", name);
}

function identifierOf(measurement: Measurement, name: string): string {
  const isField = measurement.fields.some((field) => field.name === name);
  return `"${isField ? name : tagOf(measurement, name)}"`;
}

function column(measurement: Measurement, { field, call, as }: Selection): string {
  const identifier = `"${fieldOf(measurement, field).name}"`;
  // Per second, so that the integral of watts is joules.
  const parameters = call === "integral" ? `${identifier}, 1s` : identifier;
  const expression = call === undefined ? identifier : `${call}(${parameters})`;
  return as === undefined ? expression : `${expression} AS "${as}"`;
}

/**
 * A condition that the tag has one of the values chosen in the dashboard. A regular expression, because that is the only
 * form in which Grafana's data source escapes several values; anchored, so that `pi-1` does not choose `pi-10`.
 */
export function chosen(measurement: Measurement, tag: string): string {
  return `"${tagOf(measurement, tag)}" =~ /^$${tag}$/`;
}

/** A condition that a tag or field has one fixed value. */
export function equals(measurement: Measurement, name: string, value: string): string {
  return `${identifierOf(measurement, name)} = '${value}'`;
}

/** A condition that a tag or field has one of several words of letters and digits. */
export function isOneOf(measurement: Measurement, name: string, words: readonly string[]): string {
  return `${identifierOf(measurement, name)} =~ /^(${words.join("|")})$/`;
}

/** The opposite of {@link isOneOf}. */
export function isNoneOf(measurement: Measurement, name: string, words: readonly string[]): string {
  return `${identifierOf(measurement, name)} !~ /^(${words.join("|")})$/`;
}

/**
 * A condition that the point belongs to one of the jobs chosen as `run`; a run is `job/index`. The variable holds jobs,
 * since Grafana does not escape a value that begins with a digit, and the slash of a whole run would end the expression.
 */
export function ofChosenRun(measurement: Measurement): string {
  return `"${fieldOf(measurement, "run").name}" =~ /^$run\\//`;
}

/** InfluxQL for Grafana, in the time range of the dashboard. @throws {CatalogueError} */
export function influxql({ from, select, where = [], groupBy = [], perInterval = false }: Query): string {
  const columns = select.map((selection) => column(from, selection)).join(", ");
  const conditions = [...where, "$timeFilter"].join(" AND ");
  const groups = [...(perInterval ? ["time($__interval)"] : []), ...groupBy.map((tag) => `"${tagOf(from, tag)}"`)];
  const grouping = groups.length === 0 ? "" : ` GROUP BY ${groups.join(", ")}`;
  return `SELECT ${columns} FROM "${from.name}" WHERE ${conditions}${grouping}${perInterval ? " fill(none)" : ""}`;
}

/** The values of a tag, for a variable. */
export function tagValues(measurement: Measurement, tag: string): string {
  return `SHOW TAG VALUES FROM "${measurement.name}" WITH KEY = "${tagOf(measurement, tag)}"`;
}

/** The values of a field on the chosen devices, for a variable. */
export function fieldValues(measurement: Measurement, field: string): string {
  return `SELECT DISTINCT("${fieldOf(measurement, field).name}") FROM "${measurement.name}" WHERE ${chosen(measurement, "device")}`;
}
