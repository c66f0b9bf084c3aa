import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { generate } from "../src/generate.ts";

export interface Target {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly query: string;
  readonly resultFormat: "time_series" | "table";
  readonly alias?: string;
}

/** The generated dashboards as Grafana reads them: parsed from their files. */
export function loadDashboards(): Dashboard[] {
  return generate()
    .filter(({ path }) => path.endsWith(".json"))
    .map(({ content }) => JSON.parse(content) as Dashboard);
}

export function panelsOf(dashboard: Dashboard): Panel[] {
  return dashboard.panels ?? [];
}

export function targetsOf(panel: Panel): Target[] {
  return (panel.targets ?? []) as unknown as Target[];
}

export interface Scope {
  /** What is selected: several values, or All. */
  readonly variables: Readonly<Record<string, readonly string[] | "$__all">>;
  readonly fromMs: number;
  readonly toMs: number;
  readonly interval: string;
}

function escapeRegex(value: string): string {
  return value.replaceAll(/[\\^$*+?.()|[\]{}/]/g, String.raw`\$&`);
}

/**
 * A query as Grafana's InfluxDB data source sends it: values of a multi-value variable are escaped and joined as
 * `(a|b)`, All is the variable's own `allValue` unescaped, `$timeFilter` is in epoch ms.
 */
export function expand(dashboard: Dashboard, query: string, scope: Scope): string {
  const allValues = new Map((dashboard.templating?.list ?? []).map(({ name, allValue }) => [name, allValue]));
  return query
    .replaceAll("$timeFilter", `time >= ${scope.fromMs}ms and time <= ${scope.toMs}ms`)
    .replaceAll("$__interval", scope.interval)
    .replaceAll(/\$(\w+)/g, (whole, name: string) => {
      const selected = scope.variables[name];
      if (selected === undefined) return whole;
      return selected === "$__all" ? (allValues.get(name) ?? whole) : `(${selected.map(escapeRegex).join("|")})`;
    });
}
