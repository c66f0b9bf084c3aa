import { alertGroups } from "../alerts/groups.ts";
import { alertSettings } from "../alerts/settings.ts";
import type { PushConfig } from "../config.ts";
import { DASHBOARDS } from "../generate.ts";
import { ALERT_FOLDER, DASHBOARD_FOLDER } from "../provisioning/names.ts";
import { createGrafanaClient, type GrafanaClient } from "./client.ts";
import { pushContactPoint, pushPolicy } from "./contact.ts";
import { pushDashboard } from "./dashboards.ts";
import { pushDatasource } from "./datasource.ts";
import { pushFolder } from "./folders.ts";
import type { Outcome } from "./outcome.ts";
import { pushRules } from "./rules.ts";
import { findServer } from "./server.ts";

export interface Pushed {
  readonly grafana: string;
  readonly version: string | null;
  readonly dryRun: boolean;
  readonly outcomes: readonly Outcome[];
}

type Step = () => Promise<Outcome>;

function alertSteps(client: GrafanaClient, config: PushConfig): Step[] {
  const settings = alertSettings(config);
  const { contact } = settings;
  return [
    () => pushFolder(client, ALERT_FOLDER, config),
    ...alertGroups(settings).map((group) => () => pushRules(client, group, config)),
    ...(contact === undefined
      ? []
      : [() => pushContactPoint(client, contact, config), () => pushPolicy(client, contact, config)]),
  ];
}

/**
 * Brings a Grafana to what was generated, one thing after the other; what somebody has changed there is a conflict and stays.
 * @param onOutcome hears of each thing as it is done, since what is done stays done when a later one fails
 * @throws {ConfigError} before anything is done @throws {GrafanaError} @throws {UnreachableError}
 */
export async function push(config: PushConfig, onOutcome: (outcome: Outcome) => void): Promise<Pushed> {
  const client = createGrafanaClient(config.grafana, config.grafanaToken);
  // Read first: it is refused here or not at all.
  const alerts = config.alerts ? alertSteps(client, config) : [];
  const { version, minRefresh } = await findServer(client);
  const steps: Step[] = [
    ...(config.datasource ? [() => pushDatasource(client, config)] : []),
    () => pushFolder(client, DASHBOARD_FOLDER, config),
    ...Object.values(DASHBOARDS).map((build) => () => pushDashboard(client, build(), { ...config, minRefresh })),
    ...alerts,
  ];
  const outcomes: Outcome[] = [];
  for (const step of steps) {
    const outcome = await step();
    outcomes.push(outcome);
    onOutcome(outcome);
  }
  return { grafana: client.url, version, dryRun: config.dryRun, outcomes };
}
