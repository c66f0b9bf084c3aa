import { readdir, readFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { isModelled, MEASUREMENTS, POWER_SOURCES, type Measurement } from "@edgewatt/protocol";
import { generate } from "../src/generate.ts";
import { loadDashboards, panelsOf, targetsOf } from "./grafana.ts";

const COMMITTED = fileURLToPath(new URL("../../deploy/grafana", import.meta.url));
const dashboards = loadDashboards();
const everyPanel = dashboards.flatMap((dashboard) =>
  panelsOf(dashboard).map((panel) => ({ name: `${dashboard.title} / ${panel.title}`, panel })),
);

/** The measurement and the quoted names of a query, without the names that it gives itself. */
function namesIn(query: string): { measurement: Measurement | undefined; names: string[] } {
  const from = /FROM "([^"]+)"/.exec(query)?.[1];
  const rest = query.replace(/FROM "[^"]+"/, "").replaceAll(/ AS "[^"]+"/g, "");
  return {
    measurement: Object.values<Measurement>(MEASUREMENTS).find(({ name }) => name === from),
    names: [...rest.matchAll(/"([^"]+)"/g)].map(([, name = ""]) => name),
  };
}

function expectKnownNames(query: string): void {
  const { measurement, names } = namesIn(query);
  expect(measurement).toBeDefined();
  const known = [...(measurement?.tags ?? []), ...(measurement?.fields ?? [])].map(({ name }) => name);
  expect(known).toEqual(expect.arrayContaining(names));
  expect(names).not.toEqual([]);
}

describe("the committed files", () => {
  it("are what `dashboards build --out deploy/grafana` writes", async () => {
    const committed = (await readdir(COMMITTED, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(COMMITTED, path.join(entry.parentPath, entry.name)).replaceAll(path.sep, "/"));
    expect(committed.toSorted()).toEqual(
      generate()
        .map((file) => file.path)
        .toSorted(),
    );
    for (const file of generate()) {
      expect(await readFile(path.join(COMMITTED, file.path), "utf8")).toBe(file.content);
    }
  });

  it("hold no inputs, which provisioning from files does not resolve, and no password", () => {
    for (const { content } of generate()) expect(content).not.toMatch(/\$\{DS_|__inputs/);
    const datasources = generate().find((file) => file.path === "provisioning/datasources/edgewatt.yaml");
    expect(parse(datasources?.content ?? "")).toMatchObject({
      datasources: [{ type: "influxdb", secureJsonData: { password: "${EDGEWATT_INFLUX_READ_PASSWORD}" } }],
    });
  });
});

describe.each(dashboards.map((dashboard) => [dashboard.title, dashboard] as const))("dashboard %s", (_, dashboard) => {
  const variables = dashboard.templating?.list ?? [];

  it("has a stable uid that fits an address, a description and a refresh that its picker offers", () => {
    expect(dashboard.uid).toMatch(/^edgewatt-[a-z-]{1,31}$/);
    expect(dashboard.description).toBeTruthy();
    expect(dashboard.timepicker?.refresh_intervals).toContain(dashboard.refresh);
    expect(dashboard.id).toBeUndefined();
  });

  it("has panels with ids of their own on a grid in which none overlaps", () => {
    const panels = panelsOf(dashboard);
    expect(new Set(panels.map(({ id }) => id)).size).toBe(panels.length);
    const taken = new Set<string>();
    for (const { id, gridPos } of panels) {
      expect(id).toBeGreaterThan(0);
      const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
      expect(w * h).toBeGreaterThan(0);
      expect(x + w).toBeLessThanOrEqual(24);
      for (let cell = 0; cell < w * h; cell++) {
        const key = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
        expect(taken).not.toContain(key);
        taken.add(key);
      }
    }
    const rows = Math.max(...panels.map(({ gridPos }) => (gridPos?.y ?? 0) + (gridPos?.h ?? 0)));
    expect(taken.size).toBe(24 * rows);
  });

  it("chooses its data source by a variable, first, and other variables by the catalogue with an All of its own", () => {
    expect(variables[0]).toMatchObject({ type: "datasource", name: "datasource", query: "influxdb" });
    for (const { query, datasource, multi, includeAll, allValue, label, description } of variables.slice(1)) {
      expect({ datasource, multi, includeAll, allValue }).toEqual({
        datasource: { type: "influxdb", uid: "${datasource}" },
        multi: true,
        includeAll: true,
        allValue: ".*",
      });
      expect(label && description).toBeTruthy();
      if (typeof query !== "string") throw new TypeError("a variable's query is text");
      expectKnownNames(query);
    }
  });

  it("maps its annotations to columns of their query, and shows their switch", () => {
    for (const { target, datasource, ...annotation } of dashboard.annotations?.list ?? []) {
      const { query, fromAnnotations, ...mapping } = target as unknown as Record<string, string>;
      expect(datasource).toEqual({ type: "influxdb", uid: "${datasource}" });
      expect(annotation).not.toHaveProperty("placement");
      expect(fromAnnotations).toBe(true);
      expect(query).toContain("$timeFilter");
      expectKnownNames(query ?? "");
      for (const column of ["titleColumn", "textColumn", "tagsColumn", "timeEndColumn"]) {
        expect(query).toContain(`"${mapping[column]}"`);
      }
    }
  });

  it("uses only variables that it has", () => {
    const known = new Set([
      ...variables.map(({ name }) => name),
      "timeFilter",
      "__interval",
      "tag_device",
      "tag_channel",
      "tag_source",
    ]);
    const used = [...JSON.stringify(dashboard).matchAll(/\$\{?([a-z_]\w*)\}?/g)].map(([, name = ""]) => name);
    expect(used.filter((name) => !known.has(name) && name !== "__all")).toEqual([]);
  });
});

describe.each(everyPanel.map(({ name, panel }) => [name, panel] as const))("panel %s", (_, panel) => {
  it("has a title, a description, a unit and the chosen data source", () => {
    expect(panel.title && panel.description).toBeTruthy();
    expect(panel.fieldConfig?.defaults?.unit).toBeTruthy();
    expect(panel.datasource).toEqual({ type: "influxdb", uid: "${datasource}" });
  });

  it("queries what the catalogue has, in the time range, each under its own letter", () => {
    const targets = targetsOf(panel);
    expect(new Set(targets.map(({ refId }) => refId)).size).toBe(targets.length);
    for (const { query, datasource, resultFormat, alias } of targets) {
      expect(datasource).toEqual({ type: "influxdb", uid: "${datasource}" });
      expect(query).toContain("$timeFilter");
      expectKnownNames(query);
      expect(alias === undefined).toBe(resultFormat === "table");
      if (query.includes('FROM "power"')) expect(alias).toContain("$tag_source");
    }
  });

  it("calls every modelled source an estimate in its legend", () => {
    if (!targetsOf(panel).some(({ query }) => query.includes('FROM "power"'))) return;
    const rename = panel.transformations?.find(({ id }) => id === "renameByRegex");
    const { regex = "no rule", renamePattern = "" } = (rename?.options ?? {}) as Record<string, string>;
    const shown = (source: string) => `pi-1 main (${source})`.replace(new RegExp(regex), renamePattern);
    for (const source of POWER_SOURCES) expect(shown(source).includes("estimate")).toBe(isModelled(source));
  });
});
