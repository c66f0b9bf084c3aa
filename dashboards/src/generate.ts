import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { defaultAlertSettings, type AlertSettings } from "./alerts/settings.ts";
import { fleet } from "./fleet/fleet.ts";
import { livePower } from "./live-power/live-power.ts";
import { pipelineHealth } from "./pipeline-health/pipeline-health.ts";
import { contactPointsYaml, policiesYaml, rulesYaml } from "./provisioning/alerting.ts";
import { dashboardsYaml, datasourceYaml } from "./provisioning/provisioning.ts";
import { run } from "./run/run.ts";
import { study } from "./study/study.ts";

export interface GeneratedFile {
  /** Below the output folder, with `/`. */
  readonly path: string;
  readonly content: string;
}

/** Every dashboard by the name of its file; the links at the top of each show them all. */
export const DASHBOARDS: Readonly<Record<string, () => Dashboard>> = {
  "live-power": livePower,
  fleet,
  "pipeline-health": pipelineHealth,
  run,
  study,
};

/** What Grafana is provisioned with beside the dashboards. */
function provisioning(settings: AlertSettings): Readonly<Record<string, string>> {
  const { contact } = settings;
  return {
    "dashboards/edgewatt.yaml": dashboardsYaml(),
    "datasources/edgewatt.yaml": datasourceYaml(),
    "alerting/rules.yaml": rulesYaml(settings),
    ...(contact === undefined
      ? {}
      : {
          "alerting/contact-points.yaml": contactPointsYaml(contact),
          "alerting/policies.yaml": policiesYaml(contact),
        }),
  };
}

/** Everything that Grafana is provisioned with; the same text every time for the same settings. */
export function generate(settings: AlertSettings = defaultAlertSettings()): readonly GeneratedFile[] {
  return [
    ...Object.entries(DASHBOARDS).map(([name, build]) => ({
      path: `dashboards/${name}.json`,
      content: `${JSON.stringify(build(), null, 2)}\n`,
    })),
    ...Object.entries(provisioning(settings)).map(([name, content]) => ({ path: `provisioning/${name}`, content })),
  ];
}
