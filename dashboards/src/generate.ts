import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { fleet } from "./fleet/fleet.ts";
import { livePower } from "./live-power/live-power.ts";
import { pipelineHealth } from "./pipeline-health/pipeline-health.ts";
import { dashboardsYaml, datasourceYaml } from "./provisioning/provisioning.ts";
import { run } from "./run/run.ts";
import { study } from "./study/study.ts";

export interface GeneratedFile {
  /** Below the output folder, with `/`. */
  readonly path: string;
  readonly content: string;
}

/** Every dashboard by the name of its file; the links at the top of each show them all. */
const DASHBOARDS: Readonly<Record<string, () => Dashboard>> = {
  "live-power": livePower,
  fleet,
  "pipeline-health": pipelineHealth,
  run,
  study,
};

/** What Grafana is provisioned with beside the dashboards. */
const PROVISIONING: Readonly<Record<string, () => string>> = {
  "dashboards/edgewatt.yaml": dashboardsYaml,
  "datasources/edgewatt.yaml": datasourceYaml,
};

/** Everything that Grafana is provisioned with; the same text every time. */
export function generate(): readonly GeneratedFile[] {
  return [
    ...Object.entries(DASHBOARDS).map(([name, build]) => ({
      path: `dashboards/${name}.json`,
      content: `${JSON.stringify(build(), null, 2)}\n`,
    })),
    ...Object.entries(PROVISIONING).map(([name, build]) => ({ path: `provisioning/${name}`, content: build() })),
  ];
}
