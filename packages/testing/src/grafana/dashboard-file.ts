/** A query of a panel. */
export interface GrafanaTarget {
  readonly refId: string;
  readonly datasource: { readonly type: string; readonly uid: string };
  readonly query: string;
  readonly resultFormat: "time_series" | "table";
  readonly alias?: string;
}

interface GrafanaPanel {
  readonly id: number;
  readonly title: string;
  readonly type: string;
  /** Lowest interval. */
  readonly interval?: string;
  readonly maxDataPoints?: number;
  readonly targets?: readonly GrafanaTarget[];
}

export interface GrafanaVariable {
  readonly name: string;
  readonly type: string;
  readonly query: string;
  readonly regex?: string;
  readonly multi?: boolean;
  readonly allValue?: string;
  readonly current?: { readonly value?: string | readonly string[] };
}

export interface GrafanaAnnotation {
  readonly name: string;
  readonly target: GrafanaTarget & {
    readonly fromAnnotations?: boolean;
    readonly titleColumn: string;
    readonly textColumn: string;
    readonly tagsColumn: string;
    readonly timeEndColumn: string;
  };
}

/** What a query needs to know of its dashboard, as it stands in a dashboard's file (classic model). */
export interface GrafanaDashboard {
  readonly uid: string;
  readonly title: string;
  readonly time: { readonly from: string; readonly to: string };
  readonly panels: readonly GrafanaPanel[];
  readonly templating: { readonly list: readonly GrafanaVariable[] };
  readonly annotations?: { readonly list?: readonly GrafanaAnnotation[] };
}
