import type { MeasuredWindow } from "../window-figures.ts";
import { percent, percentPast } from "./figure.ts";

const TOTAL_LIMIT = 0.01;
const MEAN_LIMIT = 0.005;

/** Flags of windows whose energy comes out differently by another way, with the worst of them. */
export function energyCheckFlags(windows: readonly MeasuredWindow[]): string[] {
  const total = worst(windows.map(({ power }) => power?.checks.total ?? null));
  const meanTimesTime = worst(windows.map(({ power }) => power?.checks.meanTimesTime ?? null));
  return [
    ...(total > TOTAL_LIMIT
      ? [
          `energy-cross-check: the chip's own total and its readings differ by ${percentPast(TOTAL_LIMIT, total)}, over ${percent(TOTAL_LIMIT)}`,
        ]
      : []),
    ...(meanTimesTime > MEAN_LIMIT
      ? [
          `energy-cross-check: mean power × time differs from the integral by ${percentPast(MEAN_LIMIT, meanTimesTime)}, over ${percent(MEAN_LIMIT)}`,
        ]
      : []),
  ];
}

function worst(shares: readonly (number | null)[]): number {
  return Math.max(0, ...shares.map((share) => Math.abs(share ?? 0)));
}
