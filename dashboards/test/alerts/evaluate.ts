import type { Rule } from "@grafana/grafana-foundation-sdk/alerting";
import {
  math,
  reduceLast,
  stateOf,
  threshold,
  type LabelledNumber,
  type Labels,
  type Series,
  type State,
} from "./expressions.ts";

type Cell = string | number | boolean | null;
interface InfluxSeries {
  readonly columns: readonly string[];
  readonly tags?: Labels;
  readonly values: readonly (readonly Cell[])[];
}

/** pkg/tsdb/influxdb, `transformRowsForTimeSeries`: a series per answered series and column; the tags are its labels. */
async function ask(url: string, q: string): Promise<Series[]> {
  const response = await fetch(`${url}/query`, {
    method: "POST",
    body: new URLSearchParams({ db: "edgewatt", epoch: "ms", q }),
  });
  const { results, error } = (await response.json()) as {
    results?: { series?: InfluxSeries[]; error?: string }[];
    error?: string;
  };
  const wrong = error ?? results?.[0]?.error;
  if (wrong !== undefined) throw new TypeError(`InfluxDB refuses ${q}: ${wrong}`);
  // Of several statements Grafana reads the first.
  return (results?.[0]?.series ?? []).flatMap(({ columns, tags = {}, values }) =>
    columns.flatMap((column, index) => {
      const own = values.map((row) => row[index] ?? null);
      // A column of text is no series of numbers, and is ignored.
      if (column === "time" || own.some((cell) => typeof cell === "string")) return [];
      return [{ labels: tags, values: own as (number | null)[] }];
    }),
  );
}

interface Model {
  readonly query?: string;
  readonly type?: string;
  readonly expression?: string;
  readonly reducer?: string;
  readonly conditions?: readonly {
    readonly evaluator: { readonly type: "gt" | "lt"; readonly params: readonly number[] };
  }[];
}

export interface Instance {
  readonly labels: Labels;
  readonly state: State;
  /** By the letter of the step, for those labels. */
  readonly values: Readonly<Record<string, number | null>>;
}

function computed(model: Model, series: Record<string, Series[]>, numbers: Record<string, readonly LabelledNumber[]>) {
  const { type, expression = "", reducer, conditions = [] } = model;
  if (type === "math") return math(expression, numbers);
  if (type === "reduce" && reducer === "last") {
    const input = series[expression];
    if (input === undefined) throw new TypeError(`${expression} is no query before this step`);
    return reduceLast(input);
  }
  const [condition] = conditions;
  const input = numbers[expression];
  if (type !== "threshold" || condition === undefined || input === undefined) {
    throw new TypeError(`step of type ${type} on ${expression} is unknown`);
  }
  return threshold(input, condition.evaluator.type, condition.evaluator.params[0] ?? Number.NaN);
}

/** One evaluation of a rule at a moment, with the queries asked of a real InfluxDB; one instance per set of labels. */
export async function evaluate(rule: Rule, url: string, nowMs: number): Promise<Instance[]> {
  const series: Record<string, Series[]> = {};
  const numbers: Record<string, readonly LabelledNumber[]> = {};
  for (const { refId = "", model: untyped, relativeTimeRange } of rule.data) {
    const model = untyped as unknown as Model;
    if (model.query === undefined) {
      numbers[refId] = computed(model, series, numbers);
    } else {
      const { from = 0, to = 0 } = relativeTimeRange ?? {};
      const range = `time >= ${nowMs - from * 1000}ms and time <= ${nowMs - to * 1000}ms`;
      series[refId] = await ask(url, model.query.replaceAll("$timeFilter", range));
    }
  }
  const key = (labels: Labels) =>
    Object.entries(labels)
      .map((entry) => JSON.stringify(entry))
      .toSorted()
      .join();
  const verdict = numbers[rule.condition];
  if (verdict === undefined) throw new TypeError(`the condition ${rule.condition} is no step`);
  // pkg/services/ngalert/eval/eval.go: two instances with the same labels are an error.
  if (new Set(verdict.map(({ labels }) => key(labels))).size !== verdict.length) throw new TypeError("labels twice");
  return verdict.map(({ labels, value }) => ({
    labels,
    state: stateOf(value),
    values: Object.fromEntries(
      Object.entries(numbers).map(([refId, list]) => [
        refId,
        list.find((number) => key(number.labels) === key(labels))?.value ?? null,
      ]),
    ),
  }));
}
