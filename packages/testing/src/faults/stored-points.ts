import { TestingError } from "../errors.ts";
import { DEVICE_MEASUREMENTS, makePoint, type Point } from "./points.ts";

const QUERY_LIMIT_MS = 20_000;

type Cell = string | number | boolean | null;

interface QueryDocument {
  readonly error?: string;
  readonly results?: readonly {
    readonly error?: string;
    readonly series?: readonly {
      readonly name: string;
      readonly columns: readonly string[];
      readonly values: readonly (readonly Cell[])[];
    }[];
  }[];
}

async function query(
  url: string,
  q: string,
): Promise<NonNullable<NonNullable<QueryDocument["results"]>[number]["series"]>> {
  const response = await fetch(`${url}/query`, {
    method: "POST",
    body: new URLSearchParams({ db: "edgewatt", epoch: "u", q }),
    signal: AbortSignal.timeout(QUERY_LIMIT_MS),
  });
  const { error, results = [] } = (await response.json()) as QueryDocument;
  const refused = error ?? results.find((result) => result.error !== undefined)?.error;
  if (refused !== undefined) throw new TestingError(`InfluxDB refuses ${q}: ${refused}`, { code: "query" });
  return results.flatMap(({ series = [] }) => series);
}

const NAMES = DEVICE_MEASUREMENTS.map(({ name }) => JSON.stringify(name)).join(", ");

/** The points of all devices that InfluxDB has in [fromUs, toUs]. */
export async function storedPoints(url: string, fromUs: number, toUs: number): Promise<Map<string, Point>> {
  const found = await query(url, `SELECT * FROM ${NAMES} WHERE time >= ${fromUs}u AND time <= ${toUs}u`);
  const points = new Map<string, Point>();
  for (const { name, columns, values } of found) {
    const measurement = DEVICE_MEASUREMENTS.find((candidate) => candidate.name === name);
    if (measurement === undefined) continue;
    const index = new Map(columns.map((column, i) => [column, i]));
    for (const row of values) {
      const cell = (column: string): Cell | undefined => row[index.get(column) ?? -1];
      // A service's own, in a measurement that devices write too.
      if ((cell("device") ?? "") === "") continue;
      const point = makePoint(measurement, Number(cell("time")), { tag: cell, field: cell });
      if (point !== undefined) points.set(point.id, point);
    }
  }
  return points;
}
