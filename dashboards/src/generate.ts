import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { livePower } from "./live-power.ts";
import { dashboardsYaml, datasourceYaml } from "./provisioning.ts";
import { study } from "./study.ts";

export interface GeneratedFile {
  /** Below the output folder, with `/`. */
  readonly path: string;
  readonly content: string;
}

function dashboardFile(name: string, dashboard: Dashboard): GeneratedFile {
  return { path: `dashboards/${name}.json`, content: `${JSON.stringify(dashboard, null, 2)}\n` };
}

/** Everything that Grafana is provisioned with; the same text every time. */
export function generate(): readonly GeneratedFile[] {
  return [
    dashboardFile("live-power", livePower()),
    dashboardFile("study", study()),
    { path: "provisioning/dashboards/edgewatt.yaml", content: dashboardsYaml() },
    { path: "provisioning/datasources/edgewatt.yaml", content: datasourceYaml() },
  ];
}
