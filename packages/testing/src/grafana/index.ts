export type {
  GrafanaAnnotation,
  GrafanaDashboard,
  GrafanaPanel,
  GrafanaTarget,
  GrafanaVariable,
} from "./dashboard-file.ts";
export { expandQuery, type GrafanaScope, optionsOf } from "./expand-query.ts";
export { grafanaIntervalMs, grafanaMs } from "./interval.ts";
