import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import type { DashboardLink } from "@grafana/grafana-foundation-sdk/dashboard";

/** Stable for ever: addresses of dashboards, links and alerts hold them. */
export const UIDS = {
  livePower: "edgewatt-live-power",
  fleet: "edgewatt-fleet",
  run: "edgewatt-run",
  study: "edgewatt-study",
  pipelineHealth: "edgewatt-pipeline-health",
} as const;

/** A link of a value to another dashboard. */
export interface DataLink {
  readonly title: string;
  readonly url: string;
  readonly targetBlank: false;
}

/** What a link hands on. */
export interface Handover {
  /** {@link between} or {@link around} values of the row; the time range of the dashboard unless told. */
  readonly range?: string;
  /** Variables that both dashboards have, as they are chosen. */
  readonly keep: readonly string[];
  /** Variables that take a value of the row or series: `${__value.text}`, `${__field.labels.device}`. */
  readonly set: Readonly<Record<string, string>>;
}

/** The time from one column of the row to another. */
export function between(begin: string, end: string): string {
  return `from=\${__data.fields.${begin}.numeric}&to=\${__data.fields.${end}.numeric}`;
}

/** A stretch with the time of a column of the row in its middle. */
export function around(moment: string, widthMs: number): string {
  return `time=\${__data.fields.${moment}.numeric}&time.window=${widthMs}`;
}

/** Opens another dashboard of edgewatt on what the link is on. */
export function dataLink(title: string, dashboard: keyof typeof UIDS, { range, keep, set }: Handover): DataLink {
  const parameters = [
    range ?? "${__url_time_range}",
    ...["datasource", ...keep].map((name) => `\${${name}:queryparam}`),
    ...Object.entries(set).map(([name, value]) => `var-${name}=${value}`),
  ];
  return { title, url: `/d/${UIDS[dashboard]}?${parameters.join("&")}`, targetBlank: false };
}

/** For `dataLinks` of a panel: the SDK's type there is that of a dashboard's link, which has other fields. */
export function linkBuilder(link: DataLink): Builder<DashboardLink> {
  return { build: () => link as unknown as DashboardLink };
}
