import type { DataTransformerConfig } from "@grafana/grafana-foundation-sdk/dashboard";

/** A table on its way from a query to the panel. */
export interface Frame {
  /** The letter of its query; none once tables have been joined. */
  readonly refId: string | undefined;
  readonly columns: readonly string[];
}

/** The tables after a transformation, and what it names that is not there. */
export interface Transformed {
  readonly frames: readonly Frame[];
  readonly missing: readonly string[];
}

type Options = Record<string, unknown>;
type Step = (frames: readonly Frame[], options: Options) => Transformed;

const keysOf = (value: unknown): string[] => Object.keys(value ?? {});
const has = (frames: readonly Frame[], name: string): boolean => frames.some(({ columns }) => columns.includes(name));
const absent = (frames: readonly Frame[], names: readonly string[]): string[] =>
  names.filter((name) => !has(frames, name));
const mapColumns = (frames: readonly Frame[], change: (columns: readonly string[]) => string[]): Frame[] =>
  frames.map((frame) => ({ ...frame, columns: change(frame.columns) }));

const unchanged: Step = (frames) => ({ frames, missing: [] });

const organize: Step = (frames, { excludeByName, indexByName, renameByName }) => {
  const excluded = (excludeByName ?? {}) as Record<string, boolean>;
  const renamed = (renameByName ?? {}) as Record<string, string>;
  return {
    frames: mapColumns(frames, (columns) =>
      columns.filter((name) => excluded[name] !== true).map((name) => renamed[name] || name),
    ),
    missing: absent(frames, [...keysOf(excluded), ...keysOf(indexByName), ...keysOf(renamed)]),
  };
};

/** A column that two of the tables have gets a number in the joined one, and loses the name that others know it by. */
const joinByField: Step = (frames, { byField }) => {
  const key = String(byField);
  const others = frames.flatMap(({ columns }) => columns.filter((name) => name !== key));
  const twice = others.filter((name, index) => others.indexOf(name) !== index);
  const without = frames.filter(({ columns }) => !columns.includes(key)).map(({ refId }) => `${key} in ${refId}`);
  return {
    frames: [{ refId: undefined, columns: [key, ...new Set(others)] }],
    missing: [...without, ...twice.map((name) => `a single ${name}`)],
  };
};

const filterFieldsByName: Step = (frames, options) => {
  const names = (list: unknown): string[] => (list as { names?: string[] } | undefined)?.names ?? [];
  const [kept, dropped] = [names(options["include"]), names(options["exclude"])];
  return {
    frames: mapColumns(frames, (columns) =>
      columns.filter((name) => !dropped.includes(name) && (kept.length === 0 || kept.includes(name))),
    ),
    missing: absent(frames, [...kept, ...dropped]),
  };
};

/** Without a name of its own the column is called by what it is made of. */
const calculateField: Step = (frames, { alias, binary }) => {
  const { left, operator, right } = (binary ?? {}) as Record<string, string | undefined>;
  const operands = [left, right].filter((name) => name !== undefined && Number.isNaN(Number(name))) as string[];
  return {
    frames: mapColumns(frames, (columns) => [
      ...columns,
      typeof alias === "string" ? alias : `${left} ${operator} ${right}`,
    ]),
    missing: absent(frames, operands),
  };
};

const filterByValue: Step = (frames, { filters }) => ({
  frames,
  missing: absent(
    frames,
    (filters as { fieldName: string }[]).map(({ fieldName }) => fieldName),
  ),
});

const groupBy: Step = (frames, { fields }) => {
  const entries = Object.entries(fields as Record<string, { operation: string; aggregations: string[] }>);
  return {
    frames: mapColumns(frames, (columns) =>
      entries
        .filter(([name]) => columns.includes(name))
        .flatMap(([name, { operation, aggregations }]) =>
          operation === "groupby" ? [name] : aggregations.map((how) => `${name} (${how})`),
        ),
    ),
    missing: absent(
      frames,
      entries.map(([name]) => name),
    ),
  };
};

const merge: Step = (frames) => ({
  frames: [{ refId: undefined, columns: [...new Set(frames.flatMap(({ columns }) => columns))] }],
  missing: [],
});

/** How many tables become of the one depends on the rows; all have the same columns. */
const partitionByValues: Step = (frames, { fields }) => {
  const keys = fields as string[];
  return {
    frames: frames.map(({ columns }) => ({
      refId: undefined,
      columns: columns.filter((name) => !keys.includes(name)),
    })),
    missing: absent(frames, keys),
  };
};

const sortBy: Step = (frames, { sort }) => ({
  frames,
  missing: absent(
    frames,
    (sort as { field: string }[]).map(({ field }) => field),
  ),
});

/** The names of series, not of columns. */
const renameByRegex = unchanged;

const STEPS: Readonly<Record<string, Step>> = {
  organize,
  joinByField,
  filterFieldsByName,
  calculateField,
  filterByValue,
  groupBy,
  merge,
  partitionByValues,
  sortBy,
  renameByRegex,
  limit: unchanged,
};

/** Applies a transformation to names of columns as Grafana does to columns. */
export function transform(frames: readonly Frame[], { id, options, filter }: DataTransformerConfig): Transformed {
  const step = STEPS[id];
  if (step === undefined) return { frames, missing: [`a rule for the transformation ${id}`] };
  const pattern = filter === undefined ? /^/ : new RegExp(String(filter.options).replaceAll(/^\/|\/$/g, ""));
  const applies = ({ refId }: Frame): boolean => filter === undefined || pattern.test(refId ?? "");
  const { frames: changed, missing } = step(frames.filter(applies), options as Options);
  return { frames: [...changed, ...frames.filter((frame) => !applies(frame))], missing };
}
