import { inconsistencies, type Results } from "@edgewatt/protocol";

/** One line on the whole document, for its notes. */
export function consistencyNote(results: Results): string {
  const checked = results.rows.filter((row) => row.energyMj.gross !== null && row.meanPowerW !== null);
  const faulty = checked.filter((row) => inconsistencies(row).length > 0);
  if (checked.length === 0) return "Consistency: no row has power and energy, so there was nothing to check.";
  const rule = "energy ÷ time equals mean power within 0.5 %, and idle ≤ mean ≤ max power";
  if (faulty.length === 0) return `Consistency: in all ${checked.length} rows with power, ${rule}.`;
  return `Consistency: ${faulty.length} of ${checked.length} rows with power break the rule that ${rule}; they are flagged.`;
}
