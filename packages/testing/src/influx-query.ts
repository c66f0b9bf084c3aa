import { TestingError } from "./errors.ts";

type Cell = string | number | boolean | null;

interface QueryDocument {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly columns: readonly string[];
      readonly tags?: Readonly<Record<string, string>>;
      readonly values: readonly (readonly Cell[])[];
    }[];
  }[];
}

/**
 * What database `edgewatt` answers to InfluxQL: one object per row, the tags of its series among the columns. Times are ISO
 * text, or numbers in the unit of `epoch`. Throws TestingError with the database's message.
 */
export async function queryInflux(
  url: string,
  q: string,
  options: { epoch?: "u" | "ms" } = {},
): Promise<Record<string, Cell>[]> {
  const response = await fetch(`${url}/query`, {
    method: "POST",
    body: new URLSearchParams({ db: "edgewatt", q, ...options }),
  });
  const document = (await response.json()) as QueryDocument;
  const results = document.results ?? [];
  const error = document.error ?? results.find((result) => result.error !== undefined)?.error;
  if (error !== undefined) throw new TestingError(`InfluxDB refuses ${q}: ${error}`, { code: "query" });
  return results
    .flatMap((result) => result.series ?? [])
    .flatMap(({ columns, tags, values }) =>
      values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])) })),
    );
}
