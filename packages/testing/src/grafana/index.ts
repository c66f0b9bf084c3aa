export type { GrafanaAnnotation, GrafanaDashboard, GrafanaTarget } from "./dashboard-file.ts";
export { askVariable, openingChoices } from "./choices.ts";
export { expandQuery, type GrafanaRange, type GrafanaScope } from "./expand-query.ts";
export { grafanaIntervalMs, grafanaMs } from "./interval.ts";
