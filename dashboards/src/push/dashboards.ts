import { createHash } from "node:crypto";
import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { z } from "zod";
import { DASHBOARD_FOLDER } from "../provisioning/names.ts";
import { messageOf, readAs, type GrafanaClient } from "./client.ts";
import type { Outcome, PushOptions } from "./outcome.ts";
import { seconds } from "./server.ts";

const foundSchema = z.object({
  dashboard: z.object({ id: z.number().nullish(), version: z.number().default(0) }),
  meta: z.object({ folderUid: z.string().optional(), provisioned: z.boolean().optional() }),
});
const versionSchema = z.object({
  version: z.number(),
  message: z.string().default(""),
  createdBy: z.string().default("somebody"),
  created: z.string().default(""),
});
/** A list, and since Grafana 11 an object with one. */
const versionsSchema = z.union([
  z.array(versionSchema),
  z.object({ versions: z.array(versionSchema) }).transform(({ versions }) => versions),
]);
const refusalSchema = z.object({ status: z.string().optional() });

/** The note that each save of a dashboard has in its history: it tells what was pushed from what somebody has changed since. */
const NOTE = /^edgewatt dashboards push ([0-9a-f]{16})$/;

function noteOf(dashboard: Dashboard): string {
  return `edgewatt dashboards push ${createHash("sha256").update(JSON.stringify(dashboard)).digest("hex").slice(0, 16)}`;
}

/** The dashboard with a refresh that this Grafana saves. */
function withRefresh(dashboard: Dashboard, minRefresh: string | undefined): Dashboard {
  const { refresh } = dashboard;
  if (minRefresh === undefined || refresh === undefined || refresh === "" || seconds(refresh) >= seconds(minRefresh))
    return dashboard;
  return { ...dashboard, refresh: minRefresh };
}

const REFUSALS: Readonly<Record<string, string>> = {
  "version-mismatch": "somebody has changed it in Grafana just now: push again to see what became of it",
  "name-exists": "another dashboard has this title in the folder: rename or remove that one",
  "plugin-dashboard": "it belongs to a plugin",
};

interface Found {
  readonly id: number | null;
  readonly version: number;
  readonly folderUid: string | undefined;
  readonly provisioned: boolean;
}

async function find(client: GrafanaClient, uid: string, title: string): Promise<Found | undefined> {
  const path = `/api/dashboards/uid/${uid}`;
  const answer = await client.call("GET", path, { to: `read the dashboard ${title}`, expect: [404] });
  if (answer.status === 404) return undefined;
  const { dashboard, meta } = readAs(foundSchema, answer, `the dashboard ${title}`);
  return {
    id: dashboard.id ?? null,
    version: dashboard.version,
    folderUid: meta.folderUid,
    provisioned: meta.provisioned ?? false,
  };
}

async function newestVersion(client: GrafanaClient, uid: string, title: string) {
  const path = `/api/dashboards/uid/${uid}/versions?limit=1`;
  const answer = await client.call("GET", path, { to: `read the history of the dashboard ${title}` });
  return readAs(versionsSchema, answer, `the history of the dashboard ${title}`)[0];
}

/** A sentence about whoever has touched the dashboard since the last push; `undefined` when nobody has. */
async function changedBy(
  client: GrafanaClient,
  uid: string,
  title: string,
): Promise<{ note: string; reason?: string }> {
  const newest = await newestVersion(client, uid, title);
  if (newest !== undefined && NOTE.test(newest.message)) return { note: newest.message };
  const { version, createdBy, created } = newest ?? { version: 0, createdBy: "somebody", created: "" };
  const when = created === "" ? "" : ` on ${created}`;
  return {
    note: "",
    reason: `${createdBy} saved it in Grafana${when} (version ${version}): it is left as it is; --overwrite replaces it, and its history keeps that version`,
  };
}

/** Brings one dashboard to what was generated, unless somebody has changed it. */
export async function pushDashboard(
  client: GrafanaClient,
  generated: Dashboard,
  { overwrite, dryRun, minRefresh }: PushOptions & { readonly minRefresh: string | undefined },
): Promise<Outcome> {
  const dashboard = withRefresh(generated, minRefresh);
  const { uid = "", title = "" } = dashboard;
  const outcome = { kind: "dashboard", uid, title } as const;
  const note = noteOf(dashboard);
  const found = await find(client, uid, title);
  if (found?.provisioned === true) {
    const reason = "Grafana loads it from files, and takes no other: change those files, or remove them";
    return { ...outcome, action: "conflict", reason };
  }
  if (found !== undefined) {
    const last = await changedBy(client, uid, title);
    if (last.note === note) return { ...outcome, action: "unchanged" };
    if (last.reason !== undefined && !overwrite) return { ...outcome, action: "conflict", reason: last.reason };
  }
  const done = {
    ...outcome,
    action: found === undefined ? "created" : "updated",
    ...(dashboard.refresh === generated.refresh
      ? {}
      : {
          reason: `it refreshes every ${dashboard.refresh}, not ${generated.refresh}, until min_refresh_interval of this Grafana allows it`,
        }),
  } as const;
  if (dryRun) return done;
  const saved = await client.call("POST", "/api/dashboards/db", {
    to: `save the dashboard ${title}`,
    body: {
      dashboard: { ...dashboard, id: found?.id ?? null, version: found?.version ?? 0 },
      // Whoever has moved it may keep it there.
      folderUid: found === undefined ? DASHBOARD_FOLDER.uid : found.folderUid,
      message: note,
      overwrite,
    },
    expect: [412],
  });
  if (saved.status !== 412) return done;
  const { status = "" } = refusalSchema.safeParse(saved.body).data ?? {};
  return { ...outcome, action: "conflict", reason: REFUSALS[status] ?? messageOf(saved.body) };
}
