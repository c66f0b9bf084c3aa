import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { annotationsOf, isChosenDatasource, panelsOf, variablesOf } from "../grafana.ts";
import { unknownNames } from "./panel-rules.ts";
import { readQuery } from "./influx-columns.ts";
import { Problems, type Problem } from "./problem.ts";

export interface LintOptions {
  /** Grafana raises a lower refresh to this, its `min_refresh_interval`. */
  readonly minRefreshS: number;
}

const COLUMNS = 24;
const UNIT_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 };

function secondsOf(text: string | undefined): number {
  const [, number, unit = ""] = /^(\d+)([smh])$/.exec(text ?? "") ?? [];
  return Number(number) * (UNIT_S[unit] ?? Number.NaN);
}

function lintHead(dashboard: Dashboard, { minRefreshS }: LintOptions, problems: Problems): void {
  const { uid, id, title, description, refresh, timepicker } = dashboard;
  problems.expect(/^edgewatt-[a-z-]{1,31}$/.test(uid ?? ""), "uid", `uid ${uid} is none of edgewatt's`);
  problems.expect(id === undefined || id === null, "uid", "has an id, which belongs to one Grafana");
  problems.expect(Boolean(title && description), "description", "has no title or no description");
  const picks = timepicker?.refresh_intervals ?? [];
  problems.expect(picks.includes(refresh ?? ""), "refresh", `refresh ${refresh} is not among those of the picker`);
  for (const pick of [refresh ?? "", ...picks]) {
    problems.expect(secondsOf(pick) >= minRefreshS, "refresh", `refresh ${pick} is below ${minRefreshS} s`);
  }
  problems.expect(
    !/\$\{DS_|__inputs/.test(JSON.stringify(dashboard)),
    "inputs",
    "has inputs, which files do not resolve",
  );
}

function lintGrid(dashboard: Dashboard, problems: Problems): void {
  const ids = panelsOf(dashboard).map(({ id }) => id ?? 0);
  problems.expect(
    ids.every((id) => id > 0),
    "panel-id",
    "a panel has no id",
  );
  problems.expect(new Set(ids).size === ids.length, "panel-id", `two panels have one id: ${ids.join()}`);
  const taken = new Set<string>();
  for (const { title, gridPos } of panelsOf(dashboard)) {
    const { x = 0, y = 0, w = 0, h = 0 } = gridPos ?? {};
    problems.expect(w > 0 && h > 0 && x >= 0 && x + w <= COLUMNS, "grid", `${title} is not on the grid`);
    for (let cell = 0; cell < w * h; cell++) {
      const key = `${x + (cell % w)},${y + Math.floor(cell / w)}`;
      problems.expect(!taken.has(key), "grid", `${title} lies on another panel at ${key}`);
      taken.add(key);
    }
  }
}

/** Variables of Grafana itself, and of the values that a link is on. */
const BUILT_IN = /^(?:timeFilter|__\w+|tag_\w+|col|m)$/;

function lintVariables(dashboard: Dashboard, problems: Problems): void {
  const [first, ...others] = variablesOf(dashboard);
  const isDatasource = first?.type === "datasource" && first.name === "datasource" && first.query === "influxdb";
  problems.expect(isDatasource, "variable", "does not begin with the choice of the data source");
  for (const { name, label, description, datasource, query, multi, includeAll, allValue } of others) {
    problems.expect(Boolean(label && description), "variable", `variable ${name} has no label or no description`);
    problems.expect(isChosenDatasource(datasource), "datasource", `variable ${name} names its data source itself`);
    const allIsRegex = includeAll !== true || allValue === ".*";
    problems.expect(multi === undefined || allIsRegex, "variable", `All of variable ${name} is not .*`);
    const unknown = unknownInVariable(String(query));
    problems.expect(unknown.length === 0, "catalogue", `variable ${name} asks for ${unknown.join(", ")}`);
  }
  const known = new Set(variablesOf(dashboard).map(({ name }) => name));
  const text = JSON.stringify({ ...dashboard, templating: { list: others.map(({ query }) => query) } });
  const used = [...text.matchAll(/\$\{?([a-z_]\w*)/g)].map(([, name = ""]) => name);
  const undefinedNames = [...new Set(used.filter((name) => !known.has(name) && !BUILT_IN.test(name)))];
  problems.expect(undefinedNames.length === 0, "variable", `uses ${undefinedNames.join(", ")}, which it does not have`);
}

function unknownInVariable(query: string): string[] {
  if (query === "SHOW RETENTION POLICIES") return [];
  const tag = /^SHOW TAG VALUES FROM "([^"]+)" WITH KEY = "([^"]+)"(?: WHERE (.*))?$/.exec(query);
  return unknownNames(tag === null ? query : `SELECT "${tag[2]}" FROM "${tag[1]}" WHERE ${tag[3] ?? ""}`);
}

function lintAnnotations(dashboard: Dashboard, problems: Problems): void {
  for (const { name, datasource, placement, target } of annotationsOf(dashboard)) {
    problems.expect(isChosenDatasource(datasource), "datasource", `annotation ${name} names its data source itself`);
    problems.expect(placement === undefined, "annotation", `the switch of annotation ${name} is hidden in a menu`);
    problems.expect(
      target.fromAnnotations === true,
      "annotation",
      `annotation ${name} has no fromAnnotations: it would have no end`,
    );
    const { columns, isBounded } = readQuery(target.query);
    problems.expect(isBounded, "time-filter", `annotation ${name} is not bounded by the time range`);
    const unknown = unknownNames(target.query);
    problems.expect(unknown.length === 0, "catalogue", `annotation ${name} asks for ${unknown.join(", ")}`);
    for (const column of [target.titleColumn, target.textColumn, target.tagsColumn, target.timeEndColumn]) {
      problems.expect(
        columns.includes(column),
        "annotation",
        `annotation ${name} takes column ${column}, which is not there`,
      );
    }
  }
}

export function lintDashboard(dashboard: Dashboard, options: LintOptions): Problem[] {
  const problems = new Problems(dashboard.title ?? "a dashboard without a title");
  lintHead(dashboard, options, problems);
  lintGrid(dashboard, problems);
  lintVariables(dashboard, problems);
  lintAnnotations(dashboard, problems);
  return problems.list;
}
