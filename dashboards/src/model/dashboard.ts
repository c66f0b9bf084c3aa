import type { Builder } from "@grafana/grafana-foundation-sdk/cog";
import {
  DashboardBuilder,
  DashboardCursorSync,
  DashboardLinkBuilder,
  DashboardLinkType,
  TimePickerBuilder,
  type AnnotationQuery,
  type Dashboard,
  type Panel,
  type VariableModel,
} from "@grafana/grafana-foundation-sdk/dashboard";

export interface DashboardParts {
  /** Stable for ever: addresses of the dashboard hold it. */
  readonly uid: string;
  readonly title: string;
  readonly description: string;
  /** How far back the dashboard opens, such as `now-5m`. */
  readonly from: string;
  readonly refresh: string;
  readonly variables: readonly Builder<VariableModel>[];
  readonly annotations?: readonly Builder<AnnotationQuery>[];
  readonly panels: readonly Builder<Panel>[];
}

const TAG = "edgewatt";

/** The classic dashboard model, which Grafana 10 to 13 load as it is. */
export function buildDashboard(parts: DashboardParts): Dashboard {
  const builder = new DashboardBuilder(parts.title)
    .uid(parts.uid)
    .description(parts.description)
    .tags([TAG])
    .readonly()
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: parts.from, to: "now" })
    .refresh(parts.refresh)
    .liveNow(true)
    .timepicker(new TimePickerBuilder().refreshIntervals(["1s", "5s", "10s", "30s", "1m", "5m", "15m"]))
    .link(
      new DashboardLinkBuilder("edgewatt")
        .type(DashboardLinkType.Dashboards)
        .tags([TAG])
        .asDropdown(false)
        .includeVars(true),
    )
    .variables([...parts.variables])
    .annotations([...(parts.annotations ?? [])]);
  for (const panel of parts.panels) builder.withPanel(panel);
  const dashboard = builder.build();
  // The SDK's default hides the switch of an annotation in a menu.
  for (const annotation of dashboard.annotations?.list ?? []) delete annotation.placement;
  return dashboard;
}
