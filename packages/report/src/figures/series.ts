import type { Precision } from "@edgewatt/protocol";
import type { Point } from "./points.ts";

/** Of the alignment between two others. */
const PARTLY = 0.35;

export const PRECISIONS: readonly Precision[] = ["fp32", "int8"];

/** How each precision is drawn: shape and dash tell them apart without colour. */
export const PRECISION_STYLE = {
  fp32: { colour: "#1d5fa6", symbol: "circle", dash: "none" },
  int8: { colour: "#c2410c", symbol: "square", dash: "5 3" },
} as const;

/** Points that a line joins and that look alike. */
export interface Series {
  readonly name: string;
  readonly precision: Precision;
  /** `null`: all alignments. */
  readonly align: number | null;
  /** How far symbols are filled, 0 to 1: alignments are told apart by that, and lines of filled ones are thinner. */
  readonly fill: number;
}

/** The series of a figure: one for each precision and, where models were pruned in several multiples of channels, for each of those. */
export function seriesOf(points: readonly Point[]): Series[] {
  const aligns = [...new Set(points.flatMap(({ align }) => align ?? []))].sort((a, b) => b - a);
  const drawn = PRECISIONS.filter((precision) => points.some((point) => point.precision === precision));
  if (aligns.length < 2) return drawn.map((precision) => ({ name: precision, precision, align: null, fill: 0 }));
  return drawn.flatMap((precision) =>
    aligns.map((align, index) => ({
      name: `${precision}, ${align === 1 ? "exact" : `×${align}`}`,
      precision,
      align,
      fill: index === 0 ? 0 : index === aligns.length - 1 ? 1 : PARTLY,
    })),
  );
}

/** The points of a series; a model that nothing was cut from is in the series of every alignment. */
export function pointsIn({ precision, align }: Series, points: readonly Point[]): Point[] {
  return points.filter(
    (point) => point.precision === precision && (align === null || point.align === null || point.align === align),
  );
}
