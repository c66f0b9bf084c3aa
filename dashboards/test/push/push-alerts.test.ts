import { describe, expect, it } from "vitest";
import { GrafanaStandIn } from "./grafana-stand-in.ts";
import { DATASOURCE, push } from "./push-here.ts";

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
