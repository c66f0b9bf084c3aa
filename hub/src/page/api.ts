/** The results table as `@edgewatt/report` lays it out. */
export interface ResultsTable {
  readonly columns: readonly {
    readonly key: string;
    readonly title: string;
    readonly short: string;
    readonly align: "left" | "right";
  }[];
  readonly rows: readonly (readonly { readonly text: string; readonly notes: readonly number[] }[])[];
  readonly footnotes: readonly string[];
  readonly caption: readonly string[];
}

/** JSON of the hub's API. */
export async function getJson<T>(path: string): Promise<T> {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new TypeError(`${path} answered ${response.status}`);
  return (await response.json()) as T;
}
