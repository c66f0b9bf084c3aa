/** What can be told from the text of an InfluxQL query, without running it. */
export interface QueryText {
  readonly measurements: readonly string[];
  /** Columns of the answer, without the time and the tags; `undefined` for arithmetic without a name. */
  readonly columns: readonly (string | undefined)[];
  /** Tags that the answer is grouped by. */
  readonly tags: readonly string[];
  /** Every quoted name except measurements, policies and the names that the query gives itself. */
  readonly names: readonly string[];
  /** Whether each SELECT is bounded in time. */
  readonly isBounded: boolean;
}

/** Where the brackets that open at `open` close. */
function closing(text: string, open: number): number {
  let depth = 0;
  for (let i = open; i < text.length; i++) {
    if (text[i] === "(") depth++;
    if (text[i] === ")" && --depth === 0) return i;
  }
  throw new Error(`no closing bracket: ${text}`);
}

function splitColumns(list: string): string[] {
  const columns: string[] = [];
  let start = 0;
  for (let i = 0; i < list.length; i++) {
    if (list[i] === "(") i = closing(list, i);
    else if (list[i] === ",") {
      columns.push(list.slice(start, i).trim());
      start = i + 1;
    }
  }
  return [...columns, list.slice(start).trim()];
}

function columnName(column: string): string | undefined {
  const named = / AS "([^"]+)"$/.exec(column)?.[1] ?? /^"([^"]+)"$/.exec(column)?.[1];
  if (named !== undefined) return named;
  const call = /^(\w+)\(/.exec(column);
  return call !== null && closing(column, call[0].length - 1) === column.length - 1 ? call[1] : undefined;
}

/** The same name twice gets a number, as InfluxDB gives it. */
function numbered(names: readonly (string | undefined)[]): (string | undefined)[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    if (name === undefined) return name;
    const before = seen.get(name) ?? 0;
    seen.set(name, before + 1);
    return before === 0 ? name : `${name}_${before}`;
  });
}

const TIME = /\$timeFilter|time >= \$\{__(?:from|to)\}ms - \d+[smhd] AND time <= \$\{__to\}ms/;

/** The inner queries at the begin of a text, and where they end. */
function innerQueries(rest: string): { readonly inner: readonly QueryText[]; readonly end: number } {
  const inner: QueryText[] = [];
  let end = 0;
  for (let open = 0; rest[open] === "("; open = rest.startsWith(", (", end) ? end + 2 : end) {
    end = closing(rest, open) + 1;
    inner.push(readQuery(rest.slice(open + 1, end - 1)));
  }
  return { inner, end };
}

/** Reads a SELECT, with or without inner ones. @throws Error for what is no SELECT of this shape */
export function readQuery(query: string): QueryText {
  const from = /^SELECT (?<columns>.*?) FROM (?<rest>.*)$/s.exec(query)?.groups;
  if (from === undefined) throw new Error(`no SELECT: ${query}`);
  const { columns = "", rest = "" } = from;
  const { inner, end } = innerQueries(rest);
  const source = /^(?:"[^"]+"\.)?"(?<name>[^"]+)"/.exec(rest);
  if (inner.length === 0 && !source) throw new Error(`no measurement: ${query}`);
  const tail = rest.slice(inner.length === 0 ? source?.[0].length : end);
  const list = splitColumns(columns);
  const given = new Set(list.flatMap((column) => / AS "([^"]+)"$/.exec(column)?.[1] ?? []));
  const used = `${columns.replaceAll(/ AS "[^"]+"/g, "")} ${tail}`;
  const innerGives = new Set(inner.flatMap((one) => [...one.columns, ...one.tags]));
  const grouping = /GROUP BY (.*?)(?: fill\(| ORDER BY|$)/.exec(tail)?.[1] ?? "";
  return {
    measurements: inner.length === 0 ? [source?.groups?.["name"] ?? ""] : inner.flatMap((one) => one.measurements),
    columns: numbered(list.map(columnName)),
    tags: [...grouping.matchAll(/"([^"]+)"/g)].map(([, tag = ""]) => tag),
    names: [
      ...inner.flatMap((one) => one.names),
      ...[...used.matchAll(/"([^"]+)"/g)]
        .map(([, name = ""]) => name)
        .filter((name) => !innerGives.has(name) && !given.has(name)),
    ],
    isBounded: TIME.test(tail) && inner.every((one) => one.isBounded),
  };
}
