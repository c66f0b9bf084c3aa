import { expect } from "vitest";
import { runCommand } from "../../src/command.ts";
import type { GrafanaStandIn } from "./grafana-stand-in.ts";

interface Document {
  readonly grafana: string;
  readonly version: string | null;
  readonly dryRun: boolean;
  readonly outcomes: readonly { kind: string; uid: string; title: string; action: string; reason?: string }[];
}

/** Flags for the data source, with a password that nothing may print. */
export const DATASOURCE = ["--datasource", "--influx", "http://influxdb:8086", "--influx-read-password", "hush"];

/** One `edgewatt dashboards push --json` in this process. */
export async function push(grafana: GrafanaStandIn, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
  const printed: string[] = [];
  const said: string[] = [];
  const code = await runCommand(["push", "--grafana", grafana.url, "--json", ...args], {
    env: { EDGEWATT_GRAFANA_TOKEN: grafana.token, ...env },
    cwd: "/nonexistent-folder",
    print: (text) => void printed.push(text),
    say: (text) => void said.push(text),
  });
  expect(`${printed.join("")}${said.join("")}`).not.toMatch(/glsa_secret|hush/);
  const document = JSON.parse(printed.join("")) as Document;
  const actions = Object.fromEntries(document.outcomes.map(({ kind, title, action }) => [`${kind} ${title}`, action]));
  const reasonOf = (title: string) => document.outcomes.find((outcome) => outcome.title === title)?.reason;
  return { code, said, document, actions, reasonOf };
}

/** Somebody saves a dashboard in Grafana. */
export function saveByHand(grafana: GrafanaStandIn, uid: string, change: Record<string, unknown>) {
  const stored = grafana.state.dashboards.get(uid);
  const dashboard = { uid, title: uid, version: 0, ...stored?.dashboard, ...change };
  const body = { dashboard, folderUid: stored?.folderUid ?? "", message: "", overwrite: true };
  grafana.state.saveDashboard(body, "mina");
}
