import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import type { z } from "zod";
import { DISQUALIFYING_FLAGS } from "../../src/alerts/energy.ts";
import { defaultAlertSettings, type AlertSettings } from "../../src/alerts/settings.ts";
import { generate } from "../../src/generate.ts";
import { loadDashboards, panelsOf } from "../grafana.ts";
import { readFile } from "node:fs/promises";
import { contactPointsFile, dashboardsFile, datasourcesFile, policiesFile, rulesFile } from "./schemas.ts";

const CONFIGURED: AlertSettings = {
  ...defaultAlertSettings(),
  // The longest name that a device may have.
  powerLimits: new Map([
    ["pi-1", 8.5],
    [`pi-${"x".repeat(37)}`, 6],
  ]),
  contact: { type: "email", address: "a@example.org, b@example.org" },
};

function read<S extends z.ZodType>(schema: S, name: string, settings: AlertSettings): z.output<S> {
  const file = generate(settings).find(({ path }) => path === `provisioning/${name}.yaml`);
  if (file === undefined) throw new TypeError(`no file ${name}`);
  return schema.parse(parse(file.content));
}

describe.each([
  ["by default", defaultAlertSettings()],
  ["with a contact and limits of single devices", CONFIGURED],
])("what Grafana is provisioned with %s", (_, settings) => {
  const { groups } = read(rulesFile, "alerting/rules", settings);
  const { datasources } = read(datasourcesFile, "datasources/edgewatt", settings);
  const { providers } = read(dashboardsFile, "dashboards/edgewatt", settings);
  const rules = groups.flatMap((group) => group.rules);

  it("has rules with uids and titles of their own, that ask a data source that is there", () => {
    expect(new Set(rules.map(({ uid }) => uid)).size).toBe(rules.length);
    expect(new Set(rules.map(({ title }) => title)).size).toBe(rules.length);
    const known = new Set(datasources.map(({ uid }) => uid));
    const asked = rules.flatMap(({ data }) => data.map(({ datasourceUid }) => datasourceUid));
    expect(asked.filter((uid) => uid !== "__expr__" && !known.has(uid))).toEqual([]);
  });

  it("has rules whose steps name steps before them, the condition last", () => {
    for (const { data, condition } of rules) {
      expect(data.at(-1)).toMatchObject({ refId: condition, model: { type: "threshold" } });
      const before = new Set<string>();
      for (const { refId, model } of data) {
        expect(model.refId).toBe(refId);
        if ("expression" in model) {
          const named =
            model.type === "math"
              ? [...model.expression.matchAll(/\$(\w+)/g)].map(([, name = ""]) => name)
              : [model.expression];
          expect([...before]).toEqual(expect.arrayContaining(named));
        }
        before.add(refId);
      }
    }
  });

  it("has rules that link to a panel that is there, and say in text which device and what to do", () => {
    const panels = new Map(
      loadDashboards().map((dashboard) => [dashboard.uid, panelsOf(dashboard).map(({ id }) => id)]),
    );
    for (const { dashboardUid, panelId, annotations, labels } of rules) {
      expect(panels.get(dashboardUid)).toContain(panelId);
      expect(annotations).toMatchObject({ __dashboardUid__: dashboardUid, __panelId__: String(panelId) });
      expect(annotations["summary"]).toContain("{{ .Labels.device }}");
      expect(annotations["description"]?.length).toBeGreaterThan(80);
      expect(labels).toMatchObject({ app: "edgewatt", severity: expect.stringMatching(/^(critical|warning|info)$/) });
    }
  });

  it("evaluates no group less often than its shortest range, so that nothing falls in between", () => {
    for (const { interval, rules: own } of groups) {
      const ranges = own
        .flatMap(({ data }) => data.map(({ relativeTimeRange: { from } }) => from))
        .filter((from) => from > 0);
      expect(Number.parseInt(interval, 10)).toBeLessThanOrEqual(Math.min(...ranges));
    }
  });

  it("keeps the rules out of the folder that the dashboards make", () => {
    expect(groups.map(({ folder }) => folder)).not.toContain(providers[0]?.folder);
  });
});

it("the panels that rules link to show what they judge", () => {
  const { groups } = read(rulesFile, "alerting/rules", defaultAlertSettings());
  const titleOf = (uid: string) => {
    const rule = groups.flatMap((group) => group.rules).find((candidate) => candidate.uid === uid);
    const dashboard = loadDashboards().find((candidate) => candidate.uid === rule?.dashboardUid);
    const panel = dashboard && panelsOf(dashboard).find(({ id }) => id === rule?.panelId);
    return `${dashboard?.title}: ${panel?.title}`;
  };
  expect(titleOf("edgewatt-power-limit")).toBe("Live power: Power");
  expect(titleOf("edgewatt-throttled")).toBe("Live power: Throttling");
  expect(titleOf("edgewatt-silent")).toBe("Fleet: States");
  expect(titleOf("edgewatt-gap")).toBe("Fleet: Points lost");
  expect(titleOf("edgewatt-energy-rapl")).toBe("Study: Results");
});

describe("the contact point", () => {
  it("is no file where none is configured, nor is a policy", () => {
    const files = generate().map(({ path }) => path);
    expect(files.filter((path) => path.includes("alerting"))).toEqual(["provisioning/alerting/rules.yaml"]);
  });

  it("is what the policy sends everything to", () => {
    const { contactPoints } = read(contactPointsFile, "alerting/contact-points", CONFIGURED);
    const { policies } = read(policiesFile, "alerting/policies", CONFIGURED);
    expect(contactPoints).toMatchObject([{ receivers: [{ settings: { addresses: "a@example.org;b@example.org" } }] }]);
    expect(policies[0].receiver).toBe(contactPoints[0]?.name);
  });

  it.each(["webhook", "slack", "discord", "teams"] as const)("may be of type %s", (type) => {
    const settings = { ...CONFIGURED, contact: { type, address: "https://hooks.example.org/T0/secret" } };
    const { contactPoints } = read(contactPointsFile, "alerting/contact-points", settings);
    expect(contactPoints[0]?.receivers).toMatchObject([
      { type, settings: { url: "https://hooks.example.org/T0/secret" } },
    ]);
  });
});

describe("words that other files know too", () => {
  it("flags that disqualify a run are documented", async () => {
    const page = await readFile(new URL("../../../docs/measuring.md", import.meta.url), "utf8");
    for (const flag of DISQUALIFYING_FLAGS) expect(page).toContain(`\`${flag}\``);
  });

  it("a loss of points is told in the words of Prometheus' alerts", async () => {
    const alerts = await readFile(new URL("../../../deploy/prometheus/alerts.yml", import.meta.url), "utf8");
    const gap = generate().find(({ path }) => path.endsWith("rules.yaml"))?.content ?? "";
    expect(alerts).toContain("dropped points for lack of room");
    expect(gap).toMatch(/dropped .* points of stream .* for lack of room/);
  });
});
