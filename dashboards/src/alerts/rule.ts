import type { Builder, Dataquery } from "@grafana/grafana-foundation-sdk/cog";
import { QueryBuilder, RuleBuilder, type Rule } from "@grafana/grafana-foundation-sdk/alerting";
import { TypeMathBuilder, TypeReduceBuilder, TypeThresholdBuilder } from "@grafana/grafana-foundation-sdk/expr";
import { ALERT_FOLDER, ALERT_LABEL, DATASOURCE } from "../provisioning/names.ts";
import type { PanelReference } from "./panels.ts";

/** A step of a rule: its letter is what the steps after it and the texts call its result. */
type Step = QueryBuilder;

/** What is done with the answers of the queries, in the end one number per series that is compared with a limit. */
interface Judgement {
  readonly steps: readonly Step[];
  /** The letter of the step that decides. */
  readonly condition: string;
}

export interface Alert extends Judgement {
  /** Stable for ever: silences and links hold it. */
  readonly uid: string;
  readonly title: string;
  readonly severity: "critical" | "warning" | "info";
  /** Names the device and what is the matter, a Go template. No `$`: files of rules are searched for variables of the environment. */
  readonly summary: string;
  /** What it means and what to do. */
  readonly description: string;
  readonly panel: PanelReference;
  /** What it means that no series comes; an error is an error everywhere. Default `OK`. */
  readonly whenEmpty?: "NoData" | "OK";
}

/** One minute: no rule here is about less. */
const INTERVAL_MS = 1000;
const MAX_POINTS = 43_200;
const EXPRESSION = { type: "__expr__", uid: "__expr__" } as const;

/** A query on the newest `seconds`; every tag that it groups by becomes a label. */
export function asked(refId: string, seconds: number, query: string): Step {
  const model: Builder<Dataquery> = {
    build: () => ({
      refId,
      datasource: { type: DATASOURCE.type, uid: DATASOURCE.uid },
      query,
      rawQuery: true,
      resultFormat: "time_series",
      intervalMs: INTERVAL_MS,
      maxDataPoints: MAX_POINTS,
      _implementsDataqueryVariant: () => {},
    }),
  };
  return new QueryBuilder(refId).datasourceUid(DATASOURCE.uid).relativeTimeRange({ from: seconds, to: 0 }).model(model);
}

function expressed(refId: string, model: Builder<Dataquery>): Step {
  return new QueryBuilder(refId).datasourceUid(EXPRESSION.uid).relativeTimeRange({ from: 0, to: 0 }).model(model);
}

/** The newest value of each series. */
export function lastOf(refId: string, of: string): Step {
  const reduce = new TypeReduceBuilder().refId(refId).datasource(EXPRESSION).expression(of).reducer("last");
  return expressed(refId, reduce.settings({ mode: "dropNN" }));
}

/** Arithmetic on numbers with the same labels; `$A` is the result of step A. */
export function computed(refId: string, expression: string): Step {
  return expressed(refId, new TypeMathBuilder().refId(refId).datasource(EXPRESSION).expression(expression));
}

/** Whether a number is above or below a limit. */
export function compared(refId: string, of: string, type: "gt" | "lt", limit: number): Step {
  const threshold = new TypeThresholdBuilder().refId(refId).datasource(EXPRESSION).expression(of);
  return expressed(refId, threshold.conditions([{ evaluator: { type, params: [limit] } }]));
}

/** The newest value of each series against a limit, which is all that most rules are: query A, number B, verdict C. */
export function newestIs(type: "gt" | "lt", limit: number, seconds: number, query: string): Judgement {
  return { steps: [asked("A", seconds, query), lastOf("B", "A"), compared("C", "B", type, limit)], condition: "C" };
}

/** The rule as the HTTP API of Grafana takes it; functions that only types need are gone. */
export function buildRule(alert: Alert, group: string): Rule {
  const { dashboardUid, panelId } = alert.panel;
  const rule = new RuleBuilder(alert.title)
    .uid(alert.uid)
    .folderUID(ALERT_FOLDER.uid)
    .ruleGroup(group)
    .orgID(1)
    .queries([...alert.steps])
    .condition(alert.condition)
    .noDataState(alert.whenEmpty ?? "OK")
    .execErrState("Error")
    .forDuration("0s")
    .isPaused(false)
    .labels({ [ALERT_LABEL.name]: ALERT_LABEL.value, severity: alert.severity })
    .annotations({
      summary: alert.summary,
      description: alert.description,
      __dashboardUid__: dashboardUid,
      __panelId__: String(panelId),
    });
  return JSON.parse(JSON.stringify(rule.build())) as Rule;
}
