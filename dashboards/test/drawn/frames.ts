import { strict as assert } from "node:assert";
import type { DataFrame, Field } from "./transformers.ts";

interface Series {
  readonly name: string;
  readonly tags?: Readonly<Record<string, string>>;
  readonly columns: readonly string[];
  readonly values: readonly (readonly unknown[])[];
}

/** InfluxDB's answer to one query, series by series. @throws Error with what InfluxDB says */
async function series(url: string, query: string): Promise<readonly Series[]> {
  const answer = await fetch(`${url}/query?${new URLSearchParams({ db: "edgewatt", epoch: "ms", q: query })}`);
  const { results } = (await answer.json()) as { results?: { series?: Series[]; error?: string }[] };
  const [result] = results ?? [];
  assert(result !== undefined && result.error === undefined, `${result?.error ?? answer.status}: ${query}`);
  return result.series ?? [];
}

function field(name: string, type: string, values: readonly unknown[], displayNameFromDS?: string): Field {
  const config = displayNameFromDS === undefined ? {} : { displayNameFromDS };
  return { name, type: type as Field["type"], config, values: [...values] };
}

/**
 * A query's answer as the table that Grafana's server makes of it (`transformRowsForTable` of its InfluxDB data source, 10.4 to 13): time, tags in
 * no fixed order, columns; no frame at all without rows; and every name but that of the time given by the data source.
 */
export async function tableFrames(url: string, refId: string, query: string): Promise<DataFrame[]> {
  const all = await series(url, query);
  const [first] = all;
  if (first === undefined) return [];
  const rows = all.flatMap(({ tags, values }) => values.map((row) => ({ tags, row })));
  const tags = Object.keys(first.tags ?? {}).toReversed();
  const columns = first.columns.slice(1).map((column, index) => {
    const values = rows.map(({ row }) => row[index + 1]);
    return field(column, values.some((value) => typeof value === "string") ? "string" : "number", values, column);
  });
  return [
    {
      refId,
      name: first.name,
      length: rows.length,
      fields: [
        field(
          "Time",
          "time",
          rows.map(({ row }) => row[0]),
        ),
        ...tags.map((tag) =>
          field(
            tag,
            "string",
            rows.map((row) => row.tags?.[tag]),
            tag,
          ),
        ),
        ...columns,
      ],
    },
  ];
}
