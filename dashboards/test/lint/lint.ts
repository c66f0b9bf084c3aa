import type { Dashboard } from "@grafana/grafana-foundation-sdk/dashboard";
import { panelsOf, variablesOf } from "../grafana.ts";
import { lintDashboard, type LintOptions } from "./dashboard-rules.ts";
import { lintPanel } from "./panel-rules.ts";
import { Problems, type Problem } from "./problem.ts";

function lintTogether(dashboards: readonly Dashboard[]): Problem[] {
  const problems = new Problems("the dashboards");
  const uids = dashboards.map(({ uid }) => uid);
  const titles = dashboards.map(({ title }) => title);
  problems.expect(new Set(uids).size === uids.length, "uid", `two dashboards have one uid: ${uids.join()}`);
  problems.expect(new Set(titles).size === titles.length, "uid", `two dashboards have one title: ${titles.join()}`);
  return problems.list;
}

/** A link keeps the time range, or has one of its own. */
const TIME_RANGE = /\$\{__url_time_range\}|from=.*&to=|time=.*&time\.window=/;

/** Every link leads to one of the dashboards, sets variables that it has, and keeps those that both have. */
function lintLinks(dashboard: Dashboard, dashboards: readonly Dashboard[]): Problem[] {
  const problems = new Problems(dashboard.title ?? "");
  const own = new Set(variablesOf(dashboard).map(({ name }) => name));
  for (const [, url = ""] of JSON.stringify(panelsOf(dashboard)).matchAll(/"url":"([^"]*)"/g)) {
    const [, uid, query = ""] = /^\/d\/([^?]+)\?(.*)$/.exec(url) ?? [];
    const target = dashboards.find((candidate) => candidate.uid === uid);
    problems.expect(target !== undefined, "link", `${url} leads to no dashboard`);
    if (target === undefined) continue;
    const theirs = new Set(variablesOf(target).map(({ name }) => name));
    problems.expect(TIME_RANGE.test(query), "link", `${url} loses the time range`);
    for (const [, name = ""] of query.matchAll(/\$\{(\w+):queryparam\}/g)) {
      problems.expect(own.has(name) && theirs.has(name), "link", `${url} hands on ${name}, which not both have`);
    }
    for (const [, name = ""] of query.matchAll(/var-(\w+)=/g)) {
      problems.expect(theirs.has(name), "link", `${url} sets ${name}, which ${target.title} does not have`);
    }
  }
  return problems.list;
}

/** Everything that is wrong with dashboards that were generated together; nothing when they are right. */
export function lint(dashboards: readonly Dashboard[], options: LintOptions): Problem[] {
  return [
    ...lintTogether(dashboards),
    ...dashboards.flatMap((dashboard) => [
      ...lintDashboard(dashboard, options),
      ...panelsOf(dashboard).flatMap((panel) => lintPanel(dashboard, panel)),
      ...lintLinks(dashboard, dashboards),
    ]),
  ];
}
