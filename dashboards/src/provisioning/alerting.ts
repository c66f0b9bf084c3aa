import type { Rule } from "@grafana/grafana-foundation-sdk/alerting";
import { contactPoint, type Contact } from "../alerts/contact.ts";
import { alertGroups } from "../alerts/groups.ts";
import type { AlertSettings } from "../alerts/settings.ts";
import { ALERT_FOLDER } from "./names.ts";
import { generatedYaml } from "./yaml.ts";

const ORGANIZATION = 1;

/** What one message is about: one kind of alert of one device. */
export const GROUPED_BY = ["grafana_folder", "alertname", "device"];

/** A rule of a file differs from one of the HTTP API by where it says its folder, group and panel. */
function fileRule({
  uid,
  title,
  condition,
  data,
  noDataState,
  execErrState,
  for: duration,
  annotations,
  labels,
}: Rule) {
  return {
    uid,
    title,
    condition,
    data,
    dashboardUid: annotations?.["__dashboardUid__"],
    panelId: Number(annotations?.["__panelId__"]),
    noDataState,
    execErrState,
    for: duration,
    annotations,
    labels,
    isPaused: false,
  };
}

/** The rules. Grafana leaves `$` in their queries alone, and everything else of them has none. */
export function rulesYaml(settings: AlertSettings): string {
  return generatedYaml({
    apiVersion: 1,
    groups: alertGroups(settings).map(({ name, intervalS, rules }) => ({
      orgId: ORGANIZATION,
      name,
      folder: ALERT_FOLDER.title,
      interval: `${intervalS}s`,
      rules: rules.map(fileRule),
    })),
  });
}

export function contactPointsYaml(contact: Contact): string {
  const { name, ...receiver } = contactPoint(contact);
  return generatedYaml({
    apiVersion: 1,
    contactPoints: [{ orgId: ORGANIZATION, name, receivers: [receiver] }],
  });
}

/** Sends every alert to the contact point. A file of policies takes the place of all policies that Grafana has. */
export function policiesYaml(contact: Contact): string {
  return generatedYaml({
    apiVersion: 1,
    policies: [{ orgId: ORGANIZATION, receiver: contactPoint(contact).name, group_by: GROUPED_BY }],
  });
}
