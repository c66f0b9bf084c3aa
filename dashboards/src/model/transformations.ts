import type { DataTransformerConfig, MatcherConfig } from "@grafana/grafana-foundation-sdk/dashboard";

/** A step that Grafana takes between the answers of the queries and the panel. */
export type Step = DataTransformerConfig;

/** Leaves the time out of the tables of some queries: of aggregates it is no time of anything. */
export function withoutTime(...refIds: string[]): Step {
  return {
    id: "filterFieldsByName",
    filter: { id: "byRefId", options: `/^(?:${refIds.join("|")})$/` },
    options: { exclude: { names: ["Time"] } },
  };
}

/**
 * Rows of several frames side by side where a column is the same. `outer` keeps rows without a partner; `inner` makes every pair of
 * rows from Grafana 11.1 on, and before it one pair per value.
 */
export function joinedBy(byField: string, mode: "outer" | "inner" = "outer"): Step {
  return { id: "joinByField", options: { byField, mode } };
}

/** The columns of a table in this order, since InfluxDB's tags come in none; others are left out only if they are named. */
export function ordered(columns: readonly string[], leftOut: readonly string[] = []): Step {
  return {
    id: "organize",
    options: {
      excludeByName: Object.fromEntries(leftOut.map((name) => [name, true])),
      indexByName: Object.fromEntries(columns.map((name, index) => [name, index])),
      renameByName: {},
    },
  };
}

/** Other names for columns, which then are known by them alone. */
export function named(names: Readonly<Record<string, string>>): Step {
  return { id: "organize", options: { excludeByName: {}, indexByName: {}, renameByName: names } };
}

const byRefId = (options: string): MatcherConfig => ({ id: "byRefId", options });

/** The step for the answers of these queries only; a step whose frames have been joined or split answers to no letter any more. */
export function only(refIds: readonly string[], step: Step): Step {
  return { ...step, filter: byRefId(`/^(?:${refIds.join("|")})$/`) };
}

/** The step for everything but the answers of these queries. */
export function allBut(refIds: readonly string[], step: Step): Step {
  return { ...step, filter: byRefId(`/^(?!(?:${refIds.join("|")})$)/`) };
}

type Operator = "+" | "-" | "*" | "/";

function calculated(binary: { left: string; operator: Operator; right: string }, alias: { alias?: string }): Step {
  // Rows are no series: without the last option Grafana first joins all frames by time.
  const options = {
    mode: "binary",
    binary: { ...binary, reducer: "sum" },
    ...alias,
    replaceFields: false,
    timeSeries: false,
  };
  return { id: "calculateField", options };
}

/** A new column of two columns. */
export function computed(alias: string, left: string, operator: Operator, right: string): Step {
  return calculated({ left, operator, right }, { alias });
}

/**
 * A copy of a column under a name that gives way: the data source's name of a column, and the name that a calculation is told, stand for ever,
 * but this one gets the name of its frame beside it when frames are joined. The copy is called {@link copyOf} until then.
 */
export function copied(column: string): Step {
  return calculated({ left: column, operator: "*", right: "1" }, {});
}

export const copyOf = (column: string): string => `${column} * 1`;

export interface Condition {
  readonly column: string;
  readonly is: "greaterOrEqual" | "lowerOrEqual" | "isNotNull";
  readonly value?: number;
}

/** Only the rows of which every condition holds; a frame without the column loses all its rows. */
export function where(...conditions: readonly Condition[]): Step {
  return {
    id: "filterByValue",
    options: {
      type: "include",
      match: "all",
      filters: conditions.map(({ column, is, value }) => ({
        fieldName: column,
        config: { id: is, options: value === undefined ? {} : { value } },
      })),
    },
  };
}

/** One row per combination of the keys; an aggregate is the column `name (how)`. */
export function groupedBy(keys: readonly string[], aggregates: Record<string, "max" | "min">): Step {
  const fields = [
    ...keys.map((key) => [key, { operation: "groupby", aggregations: [] }] as const),
    ...Object.entries(aggregates).map(
      ([name, how]) => [name, { operation: "aggregate", aggregations: [how] }] as const,
    ),
  ];
  return { id: "groupBy", options: { fields: Object.fromEntries(fields) } };
}

export function sortedBy(field: string, desc = false): Step {
  return { id: "sortBy", options: { fields: {}, sort: [{ field, desc }] } };
}

/** One table of all; rows that agree in every column that both have become one. */
export const MERGED: Step = { id: "merge", options: {} };

/** A frame per combination of values, named by them, without spaces: Grafana cuts words that all names end with, `estimate` too. */
export function splitBy(fields: readonly string[]): Step {
  return {
    id: "partitionByValues",
    options: {
      fields: [...fields],
      keepFields: false,
      naming: { asLabels: false, append: false, withNames: false, separator1: "=", separator2: "·" },
    },
  };
}

/** Another name for the columns that a regular expression, between slashes, finds. */
export function renamed(regex: string, renamePattern: string): Step {
  return { id: "renameByRegex", options: { regex, renamePattern } };
}
