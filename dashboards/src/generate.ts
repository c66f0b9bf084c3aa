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

/** Files that are written with a contact only: ones of an earlier build would go on telling it. */
export const CONTACT_FILES = [
  "provisioning/alerting/contact-points.yaml",
  "provisioning/alerting/policies.yaml",
] as const;

/** What Grafana is provisioned with beside the dashboards. */
function provisioning(settings: AlertSettings): Readonly<Record<string, string>> {
  const { contact } = settings;
  const [contactPoints, policies] = CONTACT_FILES;
  return {
    "provisioning/dashboards/edgewatt.yaml": dashboardsYaml(),
    "provisioning/datasources/edgewatt.yaml": datasourceYaml(),
    "provisioning/alerting/rules.yaml": rulesYaml(settings),
    ...(contact === undefined
      ? {}
      : { [contactPoints]: contactPointsYaml(contact), [policies]: policiesYaml(contact) }),
  };
}

/** Everything that Grafana is provisioned with; the same text every time for the same settings. */
export function generate(settings: AlertSettings = defaultAlertSettings()): readonly GeneratedFile[] {
  return [
    ...Object.entries(DASHBOARDS).map(([name, build]) => ({
      path: `dashboards/${name}.json`,
      content: `${JSON.stringify(build(), null, 2)}\n`,
    })),
    ...Object.entries(provisioning(settings)).map(([file, content]) => ({ path: file, content })),
  ];
}
