import type { Rule } from "@grafana/grafana-foundation-sdk/alerting";
import { energyRegressions } from "./energy.ts";
import { firmware } from "./firmware.ts";
import { gaps } from "./gap.ts";
import { powerLimits } from "./power-limit.ts";
import { buildRule, type Alert } from "./rule.ts";
import type { AlertSettings } from "./settings.ts";
import { silence } from "./silence.ts";

export interface AlertGroup {
  readonly name: string;
  readonly intervalS: number;
  readonly rules: readonly Rule[];
}

function group(name: string, intervalS: number, alerts: readonly Alert[]): AlertGroup {
  return { name, intervalS, rules: alerts.map((alert) => buildRule(alert, name)) };
}

/** Every alert, in groups that Grafana evaluates together. */
export function alertGroups(settings: AlertSettings): AlertGroup[] {
  return [
    group("edgewatt devices", 60, [...powerLimits(settings), ...firmware(), silence(settings), gaps()]),
    group("edgewatt runs", 300, energyRegressions(settings)),
  ];
}
