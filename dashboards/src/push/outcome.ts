/** `conflict`: left as it is in Grafana, for the reason that is given. */
type Action = "created" | "updated" | "unchanged" | "conflict";

/** What became of one thing in Grafana, or would have become of it. */
export interface Outcome {
  readonly kind: "folder" | "data source" | "dashboard" | "alert rules" | "contact point" | "notification policy";
  readonly uid: string;
  readonly title: string;
  readonly action: Action;
  readonly reason?: string;
}

export interface PushOptions {
  readonly overwrite: boolean;
  readonly dryRun: boolean;
}
