import { describe, expect, it } from "vitest";
import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { loadDashboards } from "../grafana.ts";
import { lint } from "./lint.ts";
import type { Rule } from "./problem.ts";

interface Broken {
  readonly live: Dashboard;
  readonly fleet: Dashboard;
  /** A graph of Live power. */
  readonly graph: Panel;
  /** The joined table of Fleet. */
  readonly table: Panel;
}

function panel(dashboard: Dashboard, id: number): Panel {
  const found = dashboard.panels?.find((candidate) => candidate.id === id);
  if (found === undefined) throw new Error(`no panel ${id}`);
  return found;
}

/** The linter's rules that a change to sound dashboards breaks. */
function rulesBrokenBy(change: (broken: Broken) => void): Set<Rule> {
  const dashboards = loadDashboards();
  const [live, fleet] = ["edgewatt-live-power", "edgewatt-fleet"].map((uid) => dashboards.find((d) => d.uid === uid));
  if (live === undefined || fleet === undefined) throw new Error("no such dashboard");
  change({ live, fleet, graph: panel(live, 5), table: panel(fleet, 1) });
  return new Set(lint(dashboards, { minRefreshS: 1 }).map(({ rule }) => rule));
}

// The files are JSON: what breaks them need not fit the types.
type Loose = Record<string, any>; // eslint-disable-line typescript/no-explicit-any
const loose = (value: unknown): Loose => value as Loose;
const query = (of: Panel, index: number): Loose => loose(of.targets?.[index]);
const rewrite = (of: Panel, index: number, from: string | RegExp, to: string): void => {
  const target = query(of, index);
  target["query"] = (target["query"] as string).replace(from, to);
};
const step = (of: Panel, id: string): Loose =>
  loose(of.transformations?.find((candidate) => candidate.id === id)?.options);
const override = (of: Panel, matcher: object): void => {
  loose(of.fieldConfig)["overrides"].push({ matcher, properties: [] });
};
const link = (of: Panel, change: (url: string) => string): void => {
  const [first] = loose(of.fieldConfig)["defaults"]["links"] as { url: string }[];
  if (first) first.url = change(first.url);
};

const CASES: readonly (readonly [Rule, string, (broken: Broken) => void])[] = [
  ["uid", "the uid of another dashboard", ({ live, fleet }) => (live.uid = fleet.uid ?? "")],
  ["uid", "a uid that is not edgewatt's", ({ live }) => (live.uid = "Live Power")],
  ["uid", "an id", ({ live }) => (live.id = 7)],
  ["description", "a dashboard without a description", ({ live }) => (live.description = "")],
  ["description", "a panel without a description", ({ graph }) => delete graph.description],
  ["description", "a panel without a title", ({ graph }) => (graph.title = "")],
  ["unit", "a panel without a unit", ({ graph }) => delete graph.fieldConfig?.defaults.unit],
  [
    "refresh",
    "a refresh below what Grafana allows",
    ({ live }) => {
      live.refresh = "200ms";
    },
  ],
  ["refresh", "a refresh that cannot be picked again", ({ live }) => (live.refresh = "7s")],
  ["panel-id", "two panels of one id", ({ graph }) => (graph.id = 1)],
  ["panel-id", "a panel without an id", ({ graph }) => delete graph.id],
  ["grid", "panels that overlap", ({ graph }) => (loose(graph.gridPos)["y"] = 2)],
  ["grid", "a panel beside the grid", ({ graph }) => (loose(graph.gridPos)["x"] = 6)],
  ["datasource", "a panel with a data source of its own", ({ graph }) => (loose(graph)["datasource"].uid = "edgewatt")],
  ["datasource", "a query with a data source of its own", ({ graph }) => (query(graph, 0)["datasource"].uid = "P951")],
  [
    "datasource",
    "a variable with a data source of its own",
    ({ live }) => (loose(live.templating?.list?.[1])["datasource"].uid = "x"),
  ],
  ["letters", "two queries of one letter", ({ graph }) => (query(graph, 1)["refId"] = "A")],
  ["letters", "a panel without a query", ({ graph }) => (graph.targets = [])],
  [
    "letters",
    "an override of a query that is not there",
    ({ graph }) => override(graph, { id: "byFrameRefID", options: "Z" }),
  ],
  ["time-filter", "a query of all times", ({ graph }) => rewrite(graph, 0, " AND $timeFilter", "")],
  [
    "time-filter",
    "an inner query of all times",
    ({ table }) =>
      rewrite(table, 2, / AND time >= \S+ - 30s AND time <= \S+ GROUP BY "device", "ch/, ' GROUP BY "device", "ch'),
  ],
  [
    "time-filter",
    "an annotation of all times",
    ({ live }) => {
      const target = loose(live.annotations?.list?.[0]?.target);
      target["query"] = (target["query"] as string).replace(/ AND time >= .*$/, "");
    },
  ],
  ["catalogue", "a measurement that nobody writes", ({ graph }) => rewrite(graph, 0, '"power"', '"powr"')],
  ["catalogue", "a field that nobody writes", ({ graph }) => rewrite(graph, 0, '"watts"', '"wats"')],
  [
    "catalogue",
    "a variable of a tag that nobody writes",
    ({ live }) => {
      loose(live.templating?.list?.[1])["query"] = 'SHOW TAG VALUES FROM "power" WITH KEY = "devise"';
    },
  ],
  ["columns", "a legend of a tag that is not grouped by", ({ graph }) => rewrite(graph, 0, ', "channel"', "")],
  ["columns", "series without an alias", ({ graph }) => delete query(graph, 0)["alias"]],
  ["columns", "arithmetic without a name", ({ table }) => rewrite(table, 3, ' AS "now"', "")],
  [
    "columns",
    "an override of a column that is not there",
    ({ table }) => override(table, { id: "byName", options: "volts" }),
  ],
  [
    "columns",
    "an order of a column that is not there",
    ({ table }) => (step(table, "organize")["indexByName"].volts = 20),
  ],
  ["columns", "a join by a column that one table lacks", ({ table }) => rewrite(table, 3, ' GROUP BY "device"', "")],
  [
    "columns",
    "a join in which two tables have a time",
    ({ table }) => {
      table.transformations = table.transformations?.filter(({ id }) => id !== "filterFieldsByName") ?? [];
    },
  ],
  ["columns", "a table of several tables", ({ table }) => (table.transformations = [])],
  [
    "columns",
    "a transformation that the linter does not know",
    ({ table }) => table.transformations?.push({ id: "transpose", options: {} }),
  ],
  [
    "columns",
    "a link with a label that no query groups by",
    ({ graph }) => link(graph, (url) => url.replace("labels.device", "labels.model")),
  ],
  [
    "columns",
    "a link with a column that is not there",
    ({ graph }) => link(graph, (url) => url.replace("${__field.labels.device}", "${__data.fields.device}")),
  ],
  [
    "columns",
    "an x axis that is not there",
    ({ table }) => (table.options = { ...loose(table.options), xField: "volts" }),
  ],
  [
    "estimate",
    "power without its source in the legend",
    ({ graph }) => (query(graph, 0)["alias"] = "$tag_device $tag_channel"),
  ],
  ["estimate", "a model that is not called an estimate", ({ graph }) => (graph.transformations = [])],
  ["estimate", "power without its source in a table", ({ table }) => rewrite(table, 2, /, "source"/g, "")],
  [
    "link",
    "a link to nowhere",
    ({ graph }) => link(graph, (url) => url.replace("edgewatt-live-power", "edgewatt-volts")),
  ],
  [
    "link",
    "a link that loses the time range",
    ({ graph }) => link(graph, (url) => url.replace("${__url_time_range}&", "")),
  ],
  [
    "link",
    "a link that sets a variable that is not there",
    ({ graph }) => link(graph, (url) => url.replace("var-device", "var-model")),
  ],
  [
    "link",
    "a link that hands on what is not there",
    ({ graph }) => link(graph, (url) => url.replace("${datasource", "${model")),
  ],
  ["variable", "no choice of the data source", ({ live }) => live.templating?.list?.shift()],
  ["variable", "an All that joins every value", ({ live }) => delete live.templating?.list?.[1]?.allValue],
  ["variable", "a variable without a description", ({ live }) => delete live.templating?.list?.[1]?.description],
  ["variable", "a query with a variable that is not there", ({ graph }) => rewrite(graph, 0, "$device", "$board")],
  [
    "annotation",
    "an annotation without its mapping",
    ({ live }) => delete loose(live.annotations?.list?.[0]?.target)["fromAnnotations"],
  ],
  [
    "annotation",
    "an annotation whose switch is hidden",
    ({ live }) => (loose(live.annotations?.list?.[0])["placement"] = "inControlsMenu"),
  ],
  [
    "annotation",
    "an annotation of a column that is not there",
    ({ live }) => (loose(live.annotations?.list?.[0]?.target)["timeEndColumn"] = "end"),
  ],
  ["inputs", "an input that only an import by hand resolves", ({ live }) => (loose(live)["__inputs"] = [])],
];

describe("the linter", () => {
  it.each(CASES)("%s: finds %s", (rule, _, change) => {
    expect(rulesBrokenBy(change)).toContain(rule);
  });

  it("says where the problem is", () => {
    const dashboards = loadDashboards();
    const [first] = dashboards;
    if (first?.panels?.[0]) (first.panels[0] as Loose)["description"] = "";
    expect(lint(dashboards, { minRefreshS: 1 })).toEqual([
      { rule: "description", where: "Live power / Now", message: "has no title or no description" },
    ]);
  });
});
