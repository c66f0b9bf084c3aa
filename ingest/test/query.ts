/** One result of InfluxDB's /query: rows as objects, times as ISO text or in the asked unit. */
export async function query(
  url: string,
  q: string,
  options: { epoch?: "u" } = {},
): Promise<Record<string, string | number | boolean | null>[]> {
  const parameters = new URLSearchParams({ db: "edgewatt", q, ...options });
  const response = await fetch(`${url}/query`, { method: "POST", body: parameters });
  const document = (await response.json()) as {
    results: {
      error?: string;
      series?: { columns: string[]; tags?: Record<string, string>; values: (string | number | boolean | null)[][] }[];
    }[];
  };
  return document.results.flatMap((result) => {
    if (result.error !== undefined) throw new TypeError(`${q}: ${result.error}`);
    return (result.series ?? []).flatMap(({ columns, tags, values }) =>
      values.map((row) => ({ ...tags, ...Object.fromEntries(columns.map((column, i) => [column, row[i] ?? null])) })),
    );
  });
}
