import { describe, expect, it } from "vitest";
import { runCommand as run } from "@edgewatt/testing";
import { runCommand } from "../../src/command.ts";
import { loadDashboards } from "../grafana.ts";
import { GrafanaStandIn } from "./grafana-stand-in.ts";

interface Document {
  readonly grafana: string;
  readonly version: string | null;
  readonly dryRun: boolean;
  readonly outcomes: readonly { kind: string; uid: string; title: string; action: string; reason?: string }[];
}

const titles = loadDashboards().map(({ title }) => title ?? "");
const DATASOURCE = ["--datasource", "--influx", "http://influxdb:8086", "--influx-read-password", "hush"];

/** One `edgewatt dashboards push --json` in this process. */
async function push(grafana: GrafanaStandIn, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) {
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
function saveByHand(grafana: GrafanaStandIn, uid: string, change: Record<string, unknown>) {
  const stored = grafana.state.dashboards.get(uid);
  const dashboard = { uid, title: uid, version: 0, ...stored?.dashboard, ...change };
  const body = { dashboard, folderUid: stored?.folderUid ?? "", message: "", overwrite: true };
  grafana.state.saveDashboard(body, "mina");
}

describe("edgewatt dashboards push", () => {
  it("creates everything once, and then finds nothing to do", async () => {
    await using grafana = await GrafanaStandIn.start();
    const args = [...DATASOURCE, "--contact", "email", "--contact-address", "a@example.org"];
    const first = await push(grafana, args);
    expect(first.code).toBe(0);
    expect(first.actions).toEqual(
      Object.fromEntries(
        [
          "data source edgewatt",
          "folder edgewatt",
          ...titles.map((title) => `dashboard ${title}`),
          "folder edgewatt alerts",
          "alert rules edgewatt devices",
          "alert rules edgewatt runs",
          "contact point edgewatt",
          "notification policy edgewatt",
        ].map((name) => [name, "created"]),
      ),
    );
    for (const dashboard of loadDashboards()) {
      const stored = grafana.state.dashboards.get(dashboard.uid ?? "");
      expect(stored).toMatchObject({ folderUid: "edgewatt", dashboard });
    }
    expect(grafana.state.datasources.get("edgewatt")).toMatchObject({
      url: "http://influxdb:8086",
      user: "grafana",
      jsonData: { dbName: "edgewatt" },
      secureJsonFields: { password: true },
    });
    // The other policies stay.
    expect(grafana.state.policies).toMatchObject({
      receiver: "grafana-default-email",
      routes: [{ receiver: "edgewatt", object_matchers: [["app", "=", "edgewatt"]] }],
    });

    const before = grafana.writes.length;
    const again = await push(
      grafana,
      args.filter((word) => !["--influx-read-password", "hush"].includes(word)),
    );
    expect(new Set(Object.values(again.actions))).toEqual(new Set(["unchanged"]));
    expect(grafana.writes).toHaveLength(before);
  });

  it("uses few connections", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    expect(grafana.seen.length).toBeGreaterThan(10);
    expect(grafana.connections).toBeLessThan(5);
  });

  it("with --dry-run says what it would do and does nothing", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, document, actions, said } = await push(grafana, [...DATASOURCE, "--dry-run"]);
    expect({ code, dryRun: document.dryRun }).toEqual({ code: 0, dryRun: true });
    expect(new Set(Object.values(actions))).toEqual(new Set(["created"]));
    expect(said).toContain("nothing was changed: --dry-run");
    expect(grafana.writes).toEqual([]);
  });

  it("brings what an older edgewatt pushed up to date, wherever it was moved to", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    const stored = grafana.state.dashboards.get("edgewatt-study");
    const [entry] = stored?.versions ?? [];
    if (!stored || !entry) throw new TypeError("nothing was stored");
    entry.message = "edgewatt dashboards push 0123456789abcdef";
    grafana.state.createFolder({ uid: "mine", title: "Mine" });
    stored.folderUid = "mine";
    const { code, actions } = await push(grafana);
    expect({ code, action: actions["dashboard Study"] }).toEqual({ code: 0, action: "updated" });
    expect(grafana.state.dashboards.get("edgewatt-study")).toMatchObject({
      folderUid: "mine",
      dashboard: { version: 2 },
    });
  });

  it.each([true, false])(
    "leaves a dashboard that somebody has changed, names it, and goes on (list in an object: %s)",
    async (asObject) => {
      await using grafana = await GrafanaStandIn.start();
      grafana.state.versionsAsObject = asObject;
      await push(grafana, DATASOURCE);
      saveByHand(grafana, "edgewatt-live-power", { description: "mine" });
      const kept = await push(grafana);
      expect(kept.code).toBe(1);
      expect(kept.actions).toMatchObject({ "dashboard Live power": "conflict", "dashboard Study": "unchanged" });
      expect(kept.reasonOf("Live power")).toBe(
        "mina saved it in Grafana on 2026-11-26T08:00:00Z (version 2): it is left as it is; --overwrite replaces it, and its history keeps that version",
      );
      expect(grafana.state.dashboards.get("edgewatt-live-power")?.dashboard["description"]).toBe("mine");

      const replaced = await push(grafana, ["--overwrite"]);
      expect({ code: replaced.code, action: replaced.actions["dashboard Live power"] }).toEqual({
        code: 0,
        action: "updated",
      });
      expect(grafana.state.dashboards.get("edgewatt-live-power")?.dashboard["description"]).not.toBe("mine");
      expect((await push(grafana)).actions["dashboard Live power"]).toBe("unchanged");
    },
  );

  it("notices a change between its look and its save", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    const [entry] = grafana.state.dashboards.get("edgewatt-study")?.versions ?? [];
    if (entry) entry.message = "edgewatt dashboards push 0123456789abcdef";
    grafana.before = ({ method, body }) => {
      const { uid } = (body["dashboard"] ?? {}) as { uid?: string };
      if (method === "POST" && uid === "edgewatt-study") saveByHand(grafana, uid, { description: "mine" });
    };
    const { code, actions, reasonOf } = await push(grafana);
    expect({ code, action: actions["dashboard Study"] }).toEqual({ code: 1, action: "conflict" });
    expect(reasonOf("Study")).toMatch(/^somebody has changed it in Grafana just now/);
  });

  it("says whose title is in the way", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.state.createFolder({ uid: "edgewatt", title: "edgewatt" });
    const dashboard = { uid: "other", title: "Study" };
    grafana.state.saveDashboard({ dashboard, folderUid: "edgewatt" }, "mina");
    const { code, reasonOf } = await push(grafana, DATASOURCE);
    expect(code).toBe(1);
    expect(reasonOf("Study")).toBe("another dashboard has this title in the folder: rename or remove that one");
  });

  it("says which folder is in the way", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.state.createFolder({ uid: "other", title: "edgewatt alerts" });
    const { code, actions, reasonOf } = await push(grafana, DATASOURCE);
    expect({ code, action: actions["folder edgewatt alerts"] }).toEqual({ code: 1, action: "conflict" });
    expect(reasonOf("edgewatt alerts")).toContain("rename the folder that has this title");
  });

  it("leaves alone what Grafana loads from files", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    for (const stored of grafana.state.dashboards.values()) stored.provisioned = true;
    for (const group of grafana.state.groups.values())
      for (const rule of group.rules) Object.assign(rule, { provenance: "file", title: "older" });
    Object.assign(grafana.state.datasources.get("edgewatt") ?? {}, { readOnly: true });
    const before = grafana.writes.length;
    const { code, actions } = await push(grafana, [...DATASOURCE, "--overwrite"]);
    expect(code).toBe(1);
    expect(actions).toMatchObject({
      "dashboard Study": "conflict",
      "alert rules edgewatt devices": "conflict",
      "data source edgewatt": "conflict",
    });
    expect(grafana.writes).toHaveLength(before);
  });

  it("raises the refresh where Grafana allows no shorter one, and says so", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.state.minRefreshInterval = "5s";
    const { code, reasonOf } = await push(grafana, DATASOURCE);
    expect(code).toBe(0);
    expect(grafana.state.dashboards.get("edgewatt-live-power")?.dashboard["refresh"]).toBe("5s");
    expect(reasonOf("Live power")).toContain("min_refresh_interval");
    expect((await push(grafana)).actions["dashboard Live power"]).toBe("unchanged");
  });
});

describe("the alert rules", () => {
  it("are refused without their data source, with what to do", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, reasonOf } = await push(grafana);
    expect(code).toBe(1);
    expect(reasonOf("edgewatt devices")).toMatch(/data source not found.*--datasource creates it/);
  });

  it("follow the configuration, and nobody but the API may change them", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    const { code, actions } = await push(grafana, ["--power-limits", "pi-1=8.5"]);
    expect({ code, actions }).toMatchObject({
      code: 0,
      actions: { "alert rules edgewatt devices": "updated", "alert rules edgewatt runs": "unchanged" },
    });
    const rules = grafana.state.groups.get("edgewatt-alerts/edgewatt devices")?.rules ?? [];
    expect(rules.map(({ title }) => title)).toContain("Power over limit of pi-1");
    expect(new Set(rules.map(({ provenance }) => provenance))).toEqual(new Set(["api"]));
  });

  it("may be changed in Grafana with --editable-alerts, and are then replaced only with --overwrite", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, [...DATASOURCE, "--editable-alerts"]);
    const rules = grafana.state.groups.get("edgewatt-alerts/edgewatt devices")?.rules ?? [];
    Object.assign(rules.find(({ uid }) => uid === "edgewatt-gap") ?? {}, { isPaused: true });
    const kept = await push(grafana, ["--editable-alerts"]);
    expect({ code: kept.code, action: kept.actions["alert rules edgewatt devices"] }).toEqual({
      code: 1,
      action: "conflict",
    });
    expect(kept.reasonOf("edgewatt devices")).toContain("they differ: Points lost; --overwrite");
    const replaced = await push(grafana, ["--editable-alerts", "--overwrite"]);
    expect({ code: replaced.code, action: replaced.actions["alert rules edgewatt devices"] }).toEqual({
      code: 0,
      action: "updated",
    });
  });

  it("stay out with --no-alerts", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, document } = await push(grafana, ["--no-alerts"]);
    expect({ code, kinds: new Set(document.outcomes.map(({ kind }) => kind)) }).toEqual({
      code: 0,
      kinds: new Set(["folder", "dashboard"]),
    });
  });

  it("tell a contact whose secret address is written each time, as it cannot be compared", async () => {
    await using grafana = await GrafanaStandIn.start();
    const env = { EDGEWATT_CONTACT: "slack", EDGEWATT_CONTACT_ADDRESS: "https://hooks.slack.com/services/hush" };
    await push(grafana, DATASOURCE, env);
    const again = await push(grafana, [], env);
    expect(again.actions).toMatchObject({
      "contact point edgewatt": "updated",
      "notification policy edgewatt": "unchanged",
    });
    expect(grafana.state.contactPoints).toHaveLength(1);
  });
});

describe("what can go wrong", () => {
  const failure = async (grafana: GrafanaStandIn, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) => {
    const error: unknown = await push(grafana, args, env).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    const { name, message } = error as Error;
    expect(message).not.toMatch(/glsa_|hush/);
    return { name, code: (error as { code?: string }).code, message };
  };

  it("a token that is not accepted", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, message } = await failure(grafana, ["--token", "glsa_wrong"]);
    expect(code).toBe("unauthorized");
    expect(message).toMatch(/does not accept the token \(Invalid API key\)/);
    expect(grafana.writes).toEqual([]);
  });

  it("a token without the right, with the one that is needed", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.forbidden = /^POST \/api\/folders/;
    const { code, message } = await failure(grafana);
    expect(code).toBe("forbidden");
    expect(message).toMatch(
      /^cannot create the folder edgewatt: the token may not \(.*folders:create\): .*Editor.*Admin/,
    );
  });

  it("a Grafana that is too old, and one that hides its version", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.version = "9.5.21";
    expect(await failure(grafana)).toMatchObject({ code: "too-old", message: expect.stringContaining("9.5.21") });
    grafana.version = undefined;
    expect(await push(grafana, DATASOURCE)).toMatchObject({ code: 0, document: { version: null } });
  });

  it("something else at the address", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(() => ({ status: 200, text: "<html>hello</html>" }));
    expect(await failure(grafana)).toMatchObject({
      code: "not-grafana",
      message: expect.stringContaining("/api/health"),
    });
  });

  it("a redirect, whose target it names and does not follow", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(({ path }) => ({
      status: 301,
      text: "",
      headers: { location: `https://grafana.example.org${path}` },
    }));
    expect(await failure(grafana)).toMatchObject({
      code: "not-grafana",
      message: expect.stringContaining("sends one on to https://grafana.example.org:"),
    });
  });

  it("a path that it is served under belongs to the address", async () => {
    await using grafana = await GrafanaStandIn.start("/grafana");
    expect(await push(grafana, ["--no-alerts"])).toMatchObject({ code: 0, document: { grafana: grafana.url } });
  });

  it("a proxy that says wait is asked again; an error of Grafana is not", async () => {
    await using grafana = await GrafanaStandIn.start();
    let busy = 2;
    grafana.instead.push(() => (busy-- > 0 ? { status: 503, text: "starting" } : undefined));
    expect((await push(grafana, ["--no-alerts"])).code).toBe(0);
    grafana.instead.push(({ method }) =>
      method === "GET" ? undefined : { status: 500, text: '{"message":"disk full"}' },
    );
    saveByHand(grafana, "edgewatt-study", { description: "mine" });
    const before = grafana.writes.length;
    expect(await failure(grafana, ["--overwrite"])).toMatchObject({
      code: "refused",
      message: expect.stringContaining("disk full"),
    });
    expect(grafana.writes).toHaveLength(before + 1);
  });

  it("an answer of another form", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.instead.push(({ path }) =>
      path.startsWith("/api/dashboards/uid/") ? { status: 200, text: '{"dashboard":1}' } : undefined,
    );
    expect(await failure(grafana)).toMatchObject({
      code: "refused",
      message: expect.stringContaining("form that is not known"),
    });
  });

  it.each([
    [["--datasource"], "--influx: is required with --datasource"],
    [["--grafana", "http://admin:hush@127.0.0.1"], "--grafana: expected no password in the address"],
    [["--grafana", "127.0.0.1:3000"], "--grafana: expected an address"],
    [["--contact", "email"], "--contact-address: is required"],
    [["--out", "x"], "--out: unknown flag"],
  ])("wrong usage %j, before anything is changed", async (args, problem) => {
    await using grafana = await GrafanaStandIn.start();
    expect(await failure(grafana, args)).toMatchObject({
      name: "ConfigError",
      message: expect.stringContaining(problem),
    });
    expect(grafana.writes).toEqual([]);
  });
});

describe("the command", () => {
  const BIN = new URL("../../bin/edgewatt-dashboards.js", import.meta.url);

  it("prints a line for each thing, and takes --token", async () => {
    await using grafana = await GrafanaStandIn.start();
    const { code, stdout, stderr } = await run(BIN, [
      "push",
      "--grafana",
      grafana.url,
      `--token=${grafana.token}`,
      ...DATASOURCE,
    ]);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^created +data source +edgewatt\ncreated +folder +edgewatt\ncreated +dashboard +Live power\n/,
    );
    expect(stderr).toMatch(/^edgewatt dashboards: no contact point: .*\n$/);
  });

  it("ends with 3 when nothing answers, 2 without a token, 1 after a refusal", async () => {
    const grafana = await GrafanaStandIn.start();
    const { url } = grafana;
    const refused = await run(BIN, ["push", "--grafana", url, "--token", "glsa_wrong"]);
    expect(refused).toMatchObject({
      code: 1,
      stdout: "",
      stderr: expect.stringContaining("does not accept the token"),
    });
    await grafana[Symbol.asyncDispose]();
    const silent = await run(BIN, ["push", "--grafana", url, "--token", "glsa_x"]);
    expect(silent).toMatchObject({ code: 3, stdout: "", stderr: expect.stringContaining("(ECONNREFUSED)") });
    const tokenless = await run(BIN, ["push", "--grafana", url], { env: { EDGEWATT_GRAFANA_TOKEN: "" } });
    expect(tokenless).toMatchObject({ code: 2, stderr: expect.stringContaining("EDGEWATT_GRAFANA_TOKEN") });
  });
});
