/** A table as `@edgewatt/report` lays it out. */
export interface ResultsTable {
  readonly columns: readonly {
    readonly key: string;
    readonly title: string;
    readonly short: string;
    readonly align: "left" | "right";
  }[];
  readonly rows: readonly (readonly TableCell[])[];
  readonly footnotes: readonly string[];
  readonly caption: readonly string[];
}

export interface TableCell {
  readonly text: string;
  /** Numbers of footnotes, from 1. */
  readonly notes: readonly number[];
}

/** A figure of the study, without its drawing. */
export interface FigureFacts {
  readonly name: string;
  readonly title: string;
  readonly description: string;
}

/** A model whose layers were compared. */
export interface ComparedModel {
  readonly job: string;
  readonly device: string;
  readonly model: string;
  readonly created: string;
  readonly table: ResultsTable;
}

/** The hub answered, and not with what was asked for. */
export class ApiError extends Error {
  readonly status: number;

  constructor(path: string, status: number) {
    super(`${path} answered ${status}`);
    this.status = status;
  }
}

/** JSON of the hub's API. @throws {ApiError} @throws {TypeError} when it cannot be reached */
export async function getJson<T>(path: string): Promise<T> {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new ApiError(path, response.status);
  return (await response.json()) as T;
}
