import type { ResultRow } from "./results.ts";

/** The figures are computed apart; more than this share between them is a fault. */
const TOLERANCE = 0.005;

/**
 * What does not fit together in a row, in words; empty when all does: idle ≤ mean ≤ max power, and
 * energy ÷ time = mean power, each within 0.5 %.
 */
export function inconsistencies(row: ResultRow): string[] {
  const { idlePowerW: idle, meanPowerW: mean, maxPowerW: max, imageMs } = row;
  const { gross } = row.energyMj;
  const found: string[] = [];
  if (idle !== null && mean !== null && idle > mean * (1 + TOLERANCE)) {
    found.push(`idle power ${idle.toFixed(3)} W is above mean power ${mean.toFixed(3)} W`);
  }
  if (mean !== null && max !== null && mean > max * (1 + TOLERANCE)) {
    found.push(`mean power ${mean.toFixed(3)} W is above max power ${max.toFixed(3)} W`);
  }
  if (gross !== null && mean !== null && imageMs !== null && imageMs > 0) {
    const watts = gross / imageMs;
    if (Math.abs(watts - mean) > TOLERANCE * Math.abs(mean)) {
      found.push(`gross energy ÷ time is ${watts.toFixed(3)} W, but mean power is ${mean.toFixed(3)} W`);
    }
  }
  return found;
}
