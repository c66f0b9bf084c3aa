import { describe, expect, it } from "vitest";
import { loadDashboards } from "../grafana.ts";
import { GrafanaStandIn } from "./grafana-stand-in.ts";
import { DATASOURCE, push, saveByHand } from "./push-here.ts";

const titles = loadDashboards().map(({ title }) => title ?? "");

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

  it("says that another data source has the name, and goes on", async () => {
    await using grafana = await GrafanaStandIn.start();
    grafana.state.saveDatasource("P951FEA4", { name: "edgewatt", type: "influxdb" });
    const { code, actions, reasonOf } = await push(grafana, [...DATASOURCE, "--no-alerts"]);
    expect({ code, actions }).toMatchObject({
      code: 1,
      actions: { "data source edgewatt": "conflict", "dashboard Study": "created" },
    });
    expect(reasonOf("edgewatt")).toContain("rename the data source that has this name");
  });

  it("keeps what people have set of the data source besides", async () => {
    await using grafana = await GrafanaStandIn.start();
    await push(grafana, DATASOURCE);
    const stored = grafana.state.datasources.get("edgewatt") ?? {};
    Object.assign(stored, { jsonData: { ...(stored["jsonData"] as object), timeout: 60, dbName: "other" } });
    expect((await push(grafana, DATASOURCE)).actions["data source edgewatt"]).toBe("updated");
    expect(grafana.state.datasources.get("edgewatt")).toMatchObject({ jsonData: { timeout: 60, dbName: "edgewatt" } });
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
