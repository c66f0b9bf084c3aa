import { z } from "zod";
import type { AlertGroup } from "../alerts/groups.ts";
import { ALERT_FOLDER } from "../provisioning/names.ts";
import { messageOf, readAs, type GrafanaClient } from "./client.ts";
import { matches } from "./matches.ts";
import type { Outcome, PushOptions } from "./outcome.ts";

const foundSchema = z.looseObject({
  rules: z.array(z.looseObject({ uid: z.string(), title: z.string(), provenance: z.string().default("") })),
});

/**
 * Brings one group of rules to what was generated. Rules that only the API may change are replaced; ones that people may change in Grafana,
 * and that differ, are left alone without `overwrite`.
 */
export async function pushRules(
  client: GrafanaClient,
  { name, intervalS, rules }: AlertGroup,
  { overwrite, dryRun, editableAlerts }: PushOptions & { readonly editableAlerts: boolean },
): Promise<Outcome> {
  const outcome = { kind: "alert rules", uid: ALERT_FOLDER.uid, title: name } as const;
  const path = `/api/v1/provisioning/folder/${ALERT_FOLDER.uid}/rule-groups/${encodeURIComponent(name)}`;
  const wanted = { title: name, folderUid: ALERT_FOLDER.uid, interval: intervalS, rules };

  const answer = await client.call("GET", path, { to: `read the alert rules ${name}`, expect: [404] });
  if (answer.status !== 404) {
    const found = readAs(foundSchema, answer, `the alert rules ${name}`);
    // The order of the rules in a group is Grafana's own.
    const byUid = (list: readonly { uid?: string }[]) =>
      list.toSorted((a, b) => ((a.uid ?? "") < (b.uid ?? "") ? -1 : 1));
    const same = matches({ ...wanted, rules: byUid(rules) }, { ...found, rules: byUid(found.rules) });
    const fromFile = found.rules.some(({ provenance }) => provenance === "file");
    if (fromFile) {
      const reason = "Grafana loads them from files: change those files, or remove them";
      return same ? { ...outcome, action: "unchanged" } : { ...outcome, action: "conflict", reason };
    }
    const provenance = editableAlerts ? "" : "api";
    if (same && found.rules.every((rule) => rule.provenance === provenance)) return { ...outcome, action: "unchanged" };
    const differing = found.rules.filter(
      (rule) => rule.provenance === "" && !rules.some((own) => own.uid === rule.uid && matches(own, rule)),
    );
    if (differing.length > 0 && !overwrite) {
      const titles = differing.map(({ title }) => title).join(", ");
      const reason = `people may change these in Grafana, and they differ: ${titles}; --overwrite replaces them`;
      return { ...outcome, action: "conflict", reason };
    }
  }
  const done = { ...outcome, action: answer.status === 404 ? "created" : "updated" } as const;
  if (dryRun) return done;
  const saved = await client.call("PUT", path, {
    to: `save the alert rules ${name}`,
    body: wanted,
    headers: editableAlerts ? { "x-disable-provenance": "true" } : {},
    expect: [400, 409],
  });
  if (saved.status < 300) return done;
  const advice = saved.status === 409 ? "" : "; they need the data source edgewatt: --datasource creates it";
  return { ...outcome, action: "conflict", reason: `Grafana refuses them (${messageOf(saved.body)})${advice}` };
}
