/**
 * What Grafana's alerting makes of the answers of a data source, as far as the generated rules need it. Each part follows the file that
 * is named beside it, of Grafana 11 and 12.
 */

export type Labels = Readonly<Record<string, string>>;

export interface Series {
  readonly labels: Labels;
  /** In order of time; `null` where there is no value. */
  readonly values: readonly (number | null)[];
}

/** A number of one series; `null` is Grafana's nil. */
export interface LabelledNumber {
  readonly labels: Labels;
  readonly value: number | null;
}

type Results = readonly LabelledNumber[];

/** pkg/expr/mathexp/reduce.go and reduce_mode: `dropNN` removes null and NaN first, and what is empty then has no value. */
export function reduceLast(series: readonly Series[]): Results {
  return series.map(({ labels, values }) => ({
    labels,
    value: values.findLast((value) => value !== null && !Number.isNaN(value)) ?? null,
  }));
}

/** pkg/expr/threshold.go: 1 or 0 for each number; what has no value keeps none. */
export function threshold(numbers: Results, type: "gt" | "lt", limit: number): Results {
  return numbers.map(({ labels, value }) => {
    if (value === null) return { labels, value };
    return { labels, value: Number(type === "gt" ? value > limit : value < limit) };
  });
}

function contains(outer: Labels, inner: Labels): boolean {
  return Object.entries(inner).every(([name, value]) => outer[name] === value);
}

/**
 * pkg/expr/mathexp/exp.go, `union`: numbers go together when one's labels contain the other's; what has no partner is dropped; a lone one
 * on each side goes together whatever its labels, and loses them.
 */
function union(left: Results, right: Results, combine: (a: number, b: number) => number): Results {
  const both = (labels: Labels, a: LabelledNumber, b: LabelledNumber): LabelledNumber => ({
    labels,
    value: a.value === null || b.value === null ? null : combine(a.value, b.value),
  });
  const joined = left.flatMap((a) =>
    right.flatMap((b) => {
      const [more, fewer] = Object.keys(a.labels).length >= Object.keys(b.labels).length ? [a, b] : [b, a];
      return contains(more.labels, fewer.labels) ? [both(more.labels, a, b)] : [];
    }),
  );
  const [a, b] = [left[0], right[0]];
  if (joined.length === 0 && left.length === 1 && right.length === 1 && a && b) return [both({}, a, b)];
  return joined;
}

const OPERATORS: Readonly<Record<string, (a: number, b: number) => number>> = {
  "+": (a, b) => a + b,
  "-": (a, b) => a - b,
  "*": (a, b) => a * b,
  "/": (a, b) => a / b,
};

/** pkg/expr/mathexp/parse: `$A` and numbers with + - * / and brackets, the usual precedence, from left to right. */
export function math(expression: string, variables: Readonly<Record<string, Results>>): Results {
  const tokens = expression.match(/\$\w+|\d+(?:\.\d+)?|[-+*/()]/g) ?? [];
  let at = 0;
  const atom = (): Results => {
    const token = tokens[at++] ?? "";
    if (token === "(") {
      const inner = sum();
      at++;
      return inner;
    }
    if (!token.startsWith("$")) return [{ labels: {}, value: Number(token) }];
    const known = variables[token.slice(1)];
    if (known === undefined) throw new TypeError(`${token} is no step before this one`);
    return known;
  };
  const chain = (operand: () => Results, operators: string) => (): Results => {
    let left = operand();
    for (let token = tokens[at]; token !== undefined && operators.includes(token); token = tokens[at]) {
      at++;
      const apply = OPERATORS[token];
      if (apply === undefined) throw new TypeError(`unknown operator ${token}`);
      left = union(left, operand(), apply);
    }
    return left;
  };
  const product = chain(atom, "*/");
  const sum = chain(product, "+-");
  return sum();
}

export type State = "Alerting" | "Normal" | "NoData";

/** pkg/services/ngalert/eval/eval.go, `evaluateExecutionResult`: 0 is normal, another number alerting, none no data. */
export function stateOf(value: number | null): State {
  if (value === null) return "NoData";
  return value === 0 ? "Normal" : "Alerting";
}
