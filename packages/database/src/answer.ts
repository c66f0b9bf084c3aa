/** A cell of an answer. An integer that a JavaScript number may not hold comes as its digits. */
export type Cell = string | number | boolean | null;

/** A table of an answer: the rows of one series, or one of the tables of a `SHOW`. */
export interface Series {
  readonly name?: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values?: readonly (readonly Cell[])[];
}

interface Document {
  readonly error?: string;
  readonly results?: readonly { readonly error?: string; readonly series?: readonly Series[] }[];
}

export interface Answer {
  /** What the database refuses, in its words. */
  readonly error: string | undefined;
  /** The tables of each statement. */
  readonly results: readonly (readonly Series[])[];
}

// Timestamps in ns have 19 digits and a number holds 15 for certain. Text is matched too, so that digits in it stay.
const TEXT_OR_LONG_INTEGER = /"(?:[^"\\]|\\.)*"|(?<![\d.])-?\d{16,}(?![\d.eE])/g;

/** Reads a document of the v1 query API; long integers stay exact, as text. @throws {SyntaxError} when it is no JSON */
export function parseAnswer(text: string): Answer {
  const exact = text.replaceAll(TEXT_OR_LONG_INTEGER, (token) => (token.startsWith('"') ? token : `"${token}"`));
  const { error, results = [] } = JSON.parse(exact) as Document;
  return {
    error: error ?? results.find((result) => result.error !== undefined)?.error,
    results: results.map(({ series = [] }) => series),
  };
}

/** The rows of a table as objects, the tags of its series among the columns. */
export function rowsOf(series: readonly Series[]): Record<string, Cell>[] {
  return series.flatMap(({ columns, tags, values = [] }) =>
    values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])) })),
  );
}
