import { TestingError } from "../errors.ts";
import { queryInflux } from "../influx-query.ts";
import type { GrafanaDashboard } from "./dashboard-file.ts";
import { expandQuery, type GrafanaRange, type GrafanaScope } from "./expand-query.ts";

// Any: the queries of variables have no interval.
const INTERVAL_MS = 1000;

/** The options of a query variable, from the database at `url`. */
export async function askVariable(
  url: string,
  { dashboard, name }: { readonly dashboard: GrafanaDashboard; readonly name: string },
  { variables, ...range }: GrafanaRange & Pick<GrafanaScope, "variables">,
): Promise<string[]> {
  const variable = dashboard.templating.list.find((candidate) => candidate.name === name);
  if (variable === undefined)
    throw new TestingError(`${dashboard.title} has no variable ${name}`, { code: "no-variable" });
  const scope = { ...range, variables, intervalMs: INTERVAL_MS };
  const rows = await queryInflux(url, expandQuery(dashboard, variable.query, scope));
  // The value of a tag, that of a field, the name of a retention policy.
  const values = rows.map((row) => String(row["value"] ?? row["distinct"] ?? row["name"]));
  if (variable.regex === undefined || variable.regex === "") return [...new Set(values)];
  const pattern = new RegExp(variable.regex.replace(/^\/(.*)\/\w*$/, "$1"));
  const kept = values.flatMap((value) => {
    const match = pattern.exec(value);
    return match === null ? [] : [match[1] ?? match[0]];
  });
  return [...new Set(kept)];
}

/** What is chosen when a dashboard opens: the default of each query variable, or its first option where there is no such one. */
export async function openingChoices(
  url: string,
  dashboard: GrafanaDashboard,
  range: GrafanaRange,
): Promise<Record<string, string | readonly string[]>> {
  const variables: Record<string, string | readonly string[]> = {};
  for (const { name, type, current } of dashboard.templating.list) {
    if (type !== "query") continue;
    const options = await askVariable(url, { dashboard, name }, { ...range, variables });
    const wanted = current?.value;
    const isThere = [wanted].flat().includes("$__all") || (typeof wanted === "string" && options.includes(wanted));
    variables[name] = (isThere ? wanted : options[0]) ?? "";
  }
  return variables;
}
