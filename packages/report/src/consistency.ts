import type { ResultRow, Results } from "@edgewatt/protocol";

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

/** One line on the whole document, for its notes. */
export function consistencyNote(results: Results): string {
  const checked = results.rows.filter((row) => row.energyMj.gross !== null && row.meanPowerW !== null);
  const faulty = checked.filter((row) => inconsistencies(row).length > 0);
  if (checked.length === 0) return "Consistency: no row has power and energy, so there was nothing to check.";
  const rule = "energy ÷ time equals mean power within 0.5 %, and idle ≤ mean ≤ max power";
  if (faulty.length === 0) return `Consistency: in all ${checked.length} rows with power, ${rule}.`;
  return `Consistency: ${faulty.length} of ${checked.length} rows with power break the rule that ${rule}; they are flagged.`;
}
