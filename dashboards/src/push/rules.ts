import type { Rule } from "@grafana/grafana-foundation-sdk/alerting";
import { z } from "zod";
import type { AlertGroup } from "../alerts/groups.ts";
import { ALERT_FOLDER } from "../provisioning/names.ts";
import { messageOf, readAs, type GrafanaClient } from "./client.ts";
import { matches } from "./matches.ts";
import type { Outcome, PushOptions } from "./outcome.ts";

const foundSchema = z.looseObject({ rules: z.array(z.looseObject({ uid: z.string(), title: z.string() })) });
const listSchema = z.array(z.object({ uid: z.string(), provenance: z.string().default("") }));

type Options = PushOptions & { readonly editableAlerts: boolean };

function withoutOrganization(rule: Rule): Omit<Rule, "orgID"> {
  const { orgID: _, ...rest } = rule;
  return rest;
}

type FoundGroup = z.output<typeof foundSchema>;
type WantedGroup = ReturnType<typeof wantedGroup>;

function wantedGroup({ name, intervalS, rules }: AlertGroup) {
  return {
    title: name,
    folderUid: ALERT_FOLDER.uid,
    interval: intervalS,
    // The organization is that of the token, whatever a rule says.
    rules: rules.map(withoutOrganization),
  };
}

/** The order of the rules in a group is Grafana's own. */
function byUid<R extends { readonly uid?: string }>(rules: readonly R[]): R[] {
  return rules.toSorted((a, b) => ((a.uid ?? "") < (b.uid ?? "") ? -1 : 1));
}

/** Who may change each rule: `api`, `file`, or nothing for people. A group is told without it. */
async function readProvenances(client: GrafanaClient): Promise<ReadonlyMap<string, string>> {
  const what = "the list of alert rules";
  const answer = await client.call("GET", "/api/v1/provisioning/alert-rules", { to: `read ${what}` });
  return new Map(readAs(listSchema, answer, what).map(({ uid, provenance }) => [uid, provenance]));
}

/** What speaks against writing a group that differs; `undefined`: nothing. */
function objection(
  wanted: WantedGroup,
  found: FoundGroup,
  provenances: ReadonlyMap<string, string>,
): { readonly reason: string; readonly overridable: boolean } | undefined {
  if (found.rules.some(({ uid }) => provenances.get(uid) === "file")) {
    return { reason: "Grafana loads them from files: change those files, or remove them", overridable: false };
  }
  const isOurs = (rule: FoundGroup["rules"][number]) =>
    wanted.rules.some((own) => own.uid === rule.uid && matches(own, rule));
  const differing = found.rules.filter((rule) => (provenances.get(rule.uid) ?? "") === "" && !isOurs(rule));
  if (differing.length === 0) return undefined;
  const titles = differing.map(({ title }) => title).join(", ");
  const reason = `people may change these in Grafana, and they differ: ${titles}; --overwrite replaces them`;
  return { reason, overridable: true };
}

/**
 * Brings one group of rules to what was generated. Rules that only the API may change are replaced; ones that people may change in Grafana,
 * and that differ, are left alone without `overwrite`.
 */
export async function pushRules(client: GrafanaClient, group: AlertGroup, options: Options): Promise<Outcome> {
  const { name, rules } = group;
  const outcome = { kind: "alert rules", uid: ALERT_FOLDER.uid, title: name } as const;
  const path = `/api/v1/provisioning/folder/${ALERT_FOLDER.uid}/rule-groups/${encodeURIComponent(name)}`;
  const wanted = wantedGroup(group);

  const answer = await client.call("GET", path, { to: `read the alert rules ${name}`, expect: [404] });
  const isNew = answer.status === 404;
  if (!isNew) {
    const found = readAs(foundSchema, answer, `the alert rules ${name}`);
    const same = matches({ ...wanted, rules: byUid(wanted.rules) }, { ...found, rules: byUid(found.rules) });
    if (same) return { ...outcome, action: "unchanged" };
    const problem = objection(wanted, found, await readProvenances(client));
    if (problem !== undefined && !(problem.overridable && options.overwrite)) {
      return { ...outcome, action: "conflict", reason: problem.reason };
    }
  }
  const done = { ...outcome, action: isNew ? "created" : "updated" } as const;
  if (options.dryRun) return done;
  const saved = await client.call("PUT", path, {
    to: `save the alert rules ${name}`,
    body: { ...wanted, rules },
    headers: options.editableAlerts ? { "x-disable-provenance": "true" } : {},
    expect: [400, 409],
  });
  if (saved.status < 300) return done;
  const said = messageOf(saved.body);
  const advice = /data ?source/i.test(said) ? "; they need the data source edgewatt: --datasource creates it" : "";
  return { ...outcome, action: "conflict", reason: `Grafana refuses them (${said})${advice}` };
}
