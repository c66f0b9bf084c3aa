import type { DataTransformerConfig } from "@grafana/grafana-foundation-sdk/dashboard";

/** Leaves the time out of the tables of some queries: of aggregates it is no time of anything. */
export function withoutTime(...refIds: string[]): DataTransformerConfig {
  return {
    id: "filterFieldsByName",
    filter: { id: "byRefId", options: `/^(?:${refIds.join("|")})$/` },
    options: { exclude: { names: ["Time"] } },
  };
}

/** One table of several: a row for each value of a column. */
export function joinedBy(byField: string): DataTransformerConfig {
  return { id: "joinByField", options: { byField, mode: "outer" } };
}

/** The columns of a table in this order, since InfluxDB's tags come in none; others are left out only if they are named. */
export function ordered(columns: readonly string[], leftOut: readonly string[] = []): DataTransformerConfig {
  return {
    id: "organize",
    options: {
      excludeByName: Object.fromEntries(leftOut.map((name) => [name, true])),
      indexByName: Object.fromEntries(columns.map((name, index) => [name, index])),
      renameByName: {},
    },
  };
}
