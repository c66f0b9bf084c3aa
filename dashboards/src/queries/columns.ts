import { quoted, type Names } from "./names.ts";

/** A function of InfluxQL that makes one value of many, or few: `p95` is the 95th percentile, `sample100` a hundred drawn by lot. */
type Call = "count" | "integral" | "last" | "max" | "mean" | "median" | "sum" | `p${number}` | `sample${number}`;

/** What is made of successive values; a moving average is over two. */
type Transformation = "difference" | "moving_average";

/** A field, or what functions make of it. */
interface Column {
  readonly field: string;
  readonly call?: Call;
  readonly over?: Transformation;
  readonly as?: string;
}

/** The length of the intervals of a graph in ms, for rates of what is counted. */
export const INTERVAL_MS = "$__interval_ms";

type Operand = Column | Arithmetic | number | typeof INTERVAL_MS;

/** Two columns, or a column and a number; `&` takes bits of an integer. */
export interface Arithmetic {
  readonly left: Operand;
  readonly operator: "+" | "-" | "*" | "/" | "&";
  readonly right: Operand;
  readonly as?: string;
}

/** A column of a result. */
export type Selection = Column | Arithmetic;

const isArithmetic = (selection: Selection): selection is Arithmetic => "operator" in selection;

function called(identifier: string, call: Call): string {
  // Per second, so that the integral of watts is joules.
  if (call === "integral") return `integral(${identifier}, 1s)`;
  const [, percentile] = /^p([\d.]+)$/.exec(call) ?? [];
  if (percentile !== undefined) return `percentile(${identifier}, ${percentile})`;
  const [, drawn] = /^sample(\d+)$/.exec(call) ?? [];
  return drawn === undefined ? `${call}(${identifier})` : `sample(${identifier}, ${drawn})`;
}

function transformed(text: string, transformation: Transformation): string {
  return transformation === "moving_average" ? `moving_average(${text}, 2)` : `${transformation}(${text})`;
}

function operand(names: Names, value: Operand): string {
  if (typeof value === "number" || value === INTERVAL_MS) return String(value);
  return isArithmetic(value) ? `(${expression(names, value)})` : expression(names, value);
}

function expression(names: Names, selection: Selection): string {
  if (isArithmetic(selection)) {
    const { left, operator, right } = selection;
    return `${operand(names, left)} ${operator} ${operand(names, right)}`;
  }
  const identifier = quoted(names, selection.field);
  const value = selection.call === undefined ? identifier : called(identifier, selection.call);
  return selection.over === undefined ? value : transformed(value, selection.over);
}

/** The column as it stands in a query. @throws {CatalogueError} for a name that is not there */
export function columnText(names: Names, selection: Selection): string {
  const text = expression(names, selection);
  return selection.as === undefined ? text : `${text} AS "${selection.as}"`;
}

/** What InfluxDB calls the column in its answer; arithmetic without a name has none to rely on. */
export function columnName(selection: Selection): string | undefined {
  if (selection.as !== undefined || isArithmetic(selection)) return selection.as;
  const { field, call, over } = selection;
  return (
    over ?? (call === undefined ? field : call.replace(/^p[\d.]+$/, "percentile").replace(/^sample\d+$/, "sample"))
  );
}
