import { counted } from "@edgewatt/protocol";
import type { RepetitionEnd } from "../repetition.ts";
import { percent } from "./figure.ts";

/** Says when repetition ended before all planned windows were there, or before the figures were as precise as was asked for. */
export function precisionFlags(end: RepetitionEnd): string[] {
  const { planned, windows } = end;
  const few =
    windows < planned ? [`few-windows: ${windows} instead of ${planned}, when the time budget was used up`] : [];
  return [...few, ...precision(end)];
}

function precision({ target, reached, windows, endedBy }: RepetitionEnd): string[] {
  if (target === undefined || (reached.share !== undefined && reached.share <= target)) return [];
  const found =
    reached.share === undefined
      ? `the half-width of ${reached.quantity} is unknown`
      : `${reached.quantity} ± ${percent(reached.share)}`;
  const why = endedBy === "budget" ? ", when the time budget was used up" : "";
  return [`precision-not-reached: ${found} after ${counted(windows, "window")}${why}, target ± ${percent(target)}`];
}
