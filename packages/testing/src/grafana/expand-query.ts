import type { GrafanaDashboard, GrafanaVariable } from "./dashboard-file.ts";

/** The time range of a dashboard. */
export interface GrafanaRange {
  readonly fromMs: number;
  readonly toMs: number;
}

/** What is chosen at the top of a dashboard. */
export interface GrafanaScope extends GrafanaRange {
  /** A variable that is not here has its default. Several values as a list, or `$__all`. */
  readonly variables: Readonly<Record<string, string | readonly string[]>>;
  readonly intervalMs: number;
}

const ALL = "$__all";

/** `escapeRegex` of @grafana/data. */
function escapeRegex(value: string): string {
  return value.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`);
}

/** Whether the query has the variable within a regular expression. */
function isInRegex(query: string, name: string): boolean {
  return [...query.matchAll(/[=!]~\s*\/((?:\\.|[^/])*)\//g)].some(([, pattern = ""]) =>
    new RegExp(`\\$\\{?${name}\\b`).test(pattern),
  );
}

/** `interpolateQueryExpr` of Grafana's InfluxDB data source (10.4 to 13): what stands for a variable in a query. */
function interpolate(value: string | readonly string[], variable: GrafanaVariable, query: string): string {
  if (typeof value !== "string") return `(${value.map(escapeRegex).join("|")})`;
  if (!Number.isNaN(Number.parseFloat(value))) return value;
  return variable.multi === true || isInRegex(query, variable.name) ? escapeRegex(value) : value;
}

function valueOf(variable: GrafanaVariable, { variables }: GrafanaScope, query: string): string {
  const chosen = variables[variable.name] ?? variable.current?.value ?? "";
  const values = typeof chosen === "string" ? [chosen] : chosen;
  // Unescaped, as `allValue` is an expression already.
  if (values.includes(ALL)) return variable.allValue ?? "";
  return interpolate(chosen, variable, query);
}

/**
 * A query as it reaches InfluxDB from Grafana 10.4 to 13: variables are replaced in the browser, then the macros of time in the server.
 * What Grafana does not know stays as it is.
 */
export function expandQuery(dashboard: GrafanaDashboard, query: string, scope: GrafanaScope): string {
  const { fromMs, toMs, intervalMs } = scope;
  const variables = new Map(dashboard.templating.list.map((variable) => [variable.name, variable]));
  const replaced = query.replaceAll(/\$(?:(\w+)|\{(\w+)\})/g, (whole, plain?: string, braced?: string) => {
    const name = plain ?? braced ?? "";
    if (name === "__from") return String(fromMs);
    if (name === "__to") return String(toMs);
    const variable = variables.get(name);
    return variable === undefined ? whole : valueOf(variable, scope, query);
  });
  return replaced
    .replaceAll("$timeFilter", `time >= ${fromMs}ms and time <= ${toMs}ms`)
    .replaceAll("$__interval_ms", String(intervalMs))
    .replaceAll("$__interval", `${intervalMs}ms`);
}
