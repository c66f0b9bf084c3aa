import type { PowerSource, ResultRow, Results } from "@edgewatt/protocol";

/** Where the power figures of a row come from; `null` where its device had no source. */
export function powerSourceOf(row: ResultRow, results: Pick<Results, "devices">): PowerSource | null {
  if (row.powerSource !== undefined) return row.powerSource;
  return results.devices.find((device) => device.id === row.device)?.power?.source ?? null;
}

/** Whether the power figures of all rows, of some or of none are estimates and not measurements. */
export function estimated(results: Results): "all" | "some" | "none" {
  const withPower = results.rows.filter((row) => powerSourceOf(row, results) !== null);
  const estimates = withPower.filter((row) => powerSourceOf(row, results) === "estimate");
  if (estimates.length === 0) return "none";
  return estimates.length === withPower.length ? "all" : "some";
}
