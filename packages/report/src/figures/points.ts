import type { Precision, ResultRow, Results } from "@edgewatt/protocol";
import { alignOf } from "../align.ts";
import { COLUMNS, whyBlank } from "../columns.ts";
import type { Axis, FigureDefinition } from "./definitions.ts";

/** One model in one precision on one device, in one panel of a figure. */
export interface Point {
  readonly panel: string;
  readonly device: string;
  readonly model: string;
  readonly precision: Precision;
  /** What channel counts were rounded to; `null` where nothing was cut, of the model that a study starts from, or nobody says. */
  readonly align: number | null;
  readonly label: string;
  readonly x: number;
  readonly y: number;
  readonly xHalfWidth: number | null;
  readonly yHalfWidth: number | null;
}

/** What of a document a figure can show: rows that have both its figures. */
export function pointsOf(definition: FigureDefinition, results: Results): Point[] {
  // The model that a study starts from is in all its series, also where it was pruned before.
  const alignHere = (row: ResultRow) => (row.model === results.study?.model ? null : alignOf(row));
  const aligns = new Set(results.rows.flatMap((row) => alignHere(row) ?? []));
  const labelOf = (row: ResultRow) => {
    if (row.pruning === null) return row.model;
    const align = alignHere(row);
    return aligns.size < 2 || align === null ? String(row.pruning) : `${row.pruning}/${align}`;
  };
  return definition.panels.flatMap((panel) =>
    results.rows.flatMap((row) => {
      const x = definition.x.read(row);
      const y = panel.read(row);
      if (x === null || y === null) return [];
      return [
        {
          panel: panel.name,
          device: row.device,
          model: row.model,
          precision: row.precision,
          align: alignHere(row),
          label: labelOf(row),
          x,
          y,
          xHalfWidth: definition.x.halfWidth?.(row) ?? null,
          yHalfWidth: panel.halfWidth?.(row) ?? null,
        },
      ];
    }),
  );
}

/** Why a figure has nothing to show, one line per reason. */
export function whyEmpty(definition: FigureDefinition, results: Results): string[] {
  if (results.rows.length === 0) return ["There are no results yet."];
  const axes: readonly Axis[] = [definition.x, ...definition.panels];
  const reasons = axes.flatMap((axis) => results.rows.flatMap((row) => reasonsOf(axis, row)));
  return ["Nothing to draw:", ...[...new Set(reasons)].slice(0, 4)];
}

function reasonsOf(axis: Axis, row: ResultRow): readonly string[] {
  if (axis.read(row) !== null) return [];
  const column = COLUMNS.find(({ key }) => key === axis.column);
  return column === undefined ? [] : whyBlank(column, row);
}

/** Of each panel and device, the points that no other beats in both: at most its energy, at least its accuracy. */
export function paretoFront(points: readonly Point[]): Point[] {
  return points
    .filter((point) => !points.some((other) => other.device === point.device && beats(other, point)))
    .sort((a, b) => a.x - b.x);
}

function beats(a: Point, b: Point): boolean {
  return a.x <= b.x && a.y >= b.y && (a.x < b.x || a.y > b.y);
}
