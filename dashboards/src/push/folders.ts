import { messageOf, type GrafanaClient } from "./client.ts";
import type { Outcome } from "./outcome.ts";

/** Sees to it that a folder is there. */
export async function pushFolder(
  client: GrafanaClient,
  { uid, title }: { readonly uid: string; readonly title: string },
  { dryRun }: { readonly dryRun: boolean },
): Promise<Outcome> {
  const outcome = { kind: "folder", uid, title } as const;
  const found = await client.call("GET", `/api/folders/${uid}`, { to: `read the folder ${title}`, expect: [404] });
  // Whoever gave it another title may keep it: everything else names the uid.
  if (found.status !== 404) return { ...outcome, action: "unchanged" };
  if (dryRun) return { ...outcome, action: "created" };
  const made = await client.call("POST", "/api/folders", {
    to: `create the folder ${title}`,
    body: { uid, title },
    expect: [409, 412],
  });
  if (made.status >= 300) {
    const reason = `Grafana refuses it (${messageOf(made.body)}): rename the folder that has this title`;
    return { ...outcome, action: "conflict", reason };
  }
  return { ...outcome, action: "created" };
}
