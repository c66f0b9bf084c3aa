import { counted, inconsistencies, type Results } from "@edgewatt/protocol";

/** One line on the whole document, for its notes. */
export function consistencyNote(results: Results): string {
  const checked = results.rows.filter((row) => row.energyMj.gross !== null && row.meanPowerW !== null);
  const faulty = checked.filter((row) => inconsistencies(row).length > 0);
  if (checked.length === 0) return "Consistency: no row has power and energy, so there was nothing to check.";
  const rule = "energy ÷ time equals mean power within 0.5 %, and idle ≤ mean ≤ max power";
  if (faulty.length === 0)
    return `Consistency: in ${checked.length === 1 ? "the one row" : `all ${checked.length} rows`} with power, ${rule}.`;
  const [are, they] = faulty.length === 1 ? ["breaks", "it is"] : ["break", "they are"];
  return `Consistency: ${faulty.length} of ${counted(checked.length, "row")} with power ${are} the rule that ${rule}; ${they} flagged.`;
}
