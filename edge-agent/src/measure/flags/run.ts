import { counted, plural } from "@edgewatt/protocol";
import type { Plan } from "../plan.ts";
import type { MeasuredWindow } from "../window-figures.ts";
import { largest, percent, percentPast } from "./figure.ts";

const GC_SHARE = 0.01;
/** A window ends with the run that reaches its length, so only rounding may leave it shorter. */
const WINDOW_TOLERANCE = 1e-6;

/** What kept windows from being those of the method: their number, their length, the runner's own collections. */
export function runFlags(windows: readonly MeasuredWindow[], plan: Plan): string[] {
  return [...windowCount(windows.length, plan), ...windowLength(windows, plan), ...collections(windows)];
}

function windowCount(measured: number, { quick, windows, windowS, cutFrom }: Plan): string[] {
  const flags: string[] = [];
  if (quick)
    flags.push(
      `quick: ${counted(measured, "window")} of ${windowS} s ${plural(measured, "shows", "show")} that it works; cite a full run`,
    );
  if (cutFrom !== undefined) flags.push(`few-windows: ${measured} instead of ${cutFrom} to keep to the time budget`);
  else if (windows < 3) flags.push(`few-windows: ${measured}`);
  return flags;
}

function windowLength(windows: readonly MeasuredWindow[], { quick, windowS, methodWindowS }: Plan): string[] {
  const flags: string[] = [];
  if (!quick && windowS < methodWindowS) {
    flags.push(`window-length: windows of ${windowS} s, those of the method have ${methodWindowS} s with this meter`);
  }
  // A model that runs far faster than its warm-up foretold uses up the room for stamps.
  const shortestS = Math.min(...windows.map(({ run }) => (run.t1Us - run.t0Us) / 1e6));
  if (shortestS < windowS * (1 - WINDOW_TOLERANCE)) {
    flags.push(`short-window: ${shortestS.toFixed(2)} s instead of ${windowS} s`);
  }
  return flags;
}

function collections(windows: readonly MeasuredWindow[]): string[] {
  const worst = largest(windows.map(({ run }) => run.gcMs / ((run.t1Us - run.t0Us) / 1000)));
  if (worst === undefined || worst <= GC_SHARE) return [];
  return [`gc: garbage collection took ${percentPast(GC_SHARE, worst)} of a window, over ${percent(GC_SHARE)}`];
}
