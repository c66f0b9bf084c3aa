import type { DataSourceRef } from "@grafana/grafana-foundation-sdk/common";
import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import type { GrafanaAnnotation, GrafanaDashboard, GrafanaTarget } from "@edgewatt/testing/grafana";
import { generate } from "../src/generate.ts";

export type Target = GrafanaTarget;
/** A variable as far as the linter looks at it. */
export interface Variable {
  readonly name: string;
  readonly type: string;
  readonly query?: unknown;
  readonly label?: string;
  readonly description?: string;
  readonly datasource?: DataSourceRef;
  readonly multi?: boolean;
  readonly includeAll?: boolean;
  readonly allValue?: string;
}

/** An annotation with its target, whose columns the SDK has no type for. */
export type Annotation = GrafanaAnnotation & { readonly datasource?: DataSourceRef; readonly placement?: string };

/** The generated dashboards as Grafana reads them: parsed from their files. */
export function loadDashboards(): (Dashboard & GrafanaDashboard)[] {
  return generate()
    .filter(({ path }) => path.startsWith("dashboards/"))
    .map(({ content }) => JSON.parse(content) as Dashboard & GrafanaDashboard);
}

export function panelsOf(dashboard: Dashboard): Panel[] {
  return dashboard.panels ?? [];
}

export function targetsOf(panel: Panel): Target[] {
  return (panel.targets ?? []) as unknown as Target[];
}

export function variablesOf(dashboard: Dashboard): Variable[] {
  return dashboard.templating?.list ?? [];
}

export function annotationsOf(dashboard: Dashboard): Annotation[] {
  return (dashboard.annotations?.list ?? []) as unknown as Annotation[];
}

/** Whether it is the data source that is chosen at the top. */
export function isChosenDatasource(datasource: DataSourceRef | undefined): boolean {
  return datasource?.type === "influxdb" && datasource.uid === "${datasource}";
}
