import type { Dashboard, Panel } from "@grafana/grafana-foundation-sdk/dashboard";
import { annotationsOf, panelsOf, targetsOf, variablesOf } from "../grafana.ts";

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `    ${line}`);
}

function panelLines(panel: Panel): string[] {
  const { id, title, type, description, gridPos, interval, maxDataPoints, fieldConfig, transformations = [] } = panel;
  const { x, y, w, h } = { x: 0, y: 0, w: 0, h: 0, ...gridPos };
  const links = [...JSON.stringify(fieldConfig).matchAll(/"url":"([^"]*)"/g)].map(([, url = ""]) => `link  ${url}`);
  const values = maxDataPoints === undefined ? "" : `, at most ${maxDataPoints} values`;
  return [
    `#${id} ${title}`,
    ...indented([
      `${type} in ${fieldConfig?.defaults.unit}, ${w}×${h} at ${x},${y}, every ${interval} or more${values}`,
      String(description),
      ...targetsOf(panel).flatMap(({ refId, query, alias }) =>
        alias === undefined ? [`${refId}  ${query}`] : [`${refId}  ${query}`, `   named ${alias}`],
      ),
      ...(transformations.length === 0 ? [] : [`then  ${transformations.map((step) => step.id).join(", ")}`]),
      ...links,
    ]),
    "",
  ];
}

/** A dashboard as text that people can review: what it asks, in which unit, and where it is. */
export function listing(dashboard: Dashboard): string {
  const { title, uid, description, time, refresh } = dashboard;
  return [
    `${title} (${uid})`,
    String(description),
    `From ${time?.from}, again every ${refresh}.`,
    "",
    ...variablesOf(dashboard).map(({ name, label, query }) => `$${name} (${label}): ${String(query)}`),
    ...annotationsOf(dashboard).map(({ name, target }) => `annotation ${name}: ${target.query}`),
    "",
    ...panelsOf(dashboard).flatMap(panelLines),
  ].join("\n");
}
