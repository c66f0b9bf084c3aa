import {
  describeSource,
  isModelled,
  type Layers,
  type PowerSource,
  type ResultRow,
  type Results,
} from "@edgewatt/protocol";

/** Where the power figures of a row come from; `null` where its device had no source. */
export function powerSourceOf(row: ResultRow, results: Pick<Results, "devices">): PowerSource | null {
  if (row.powerSource !== undefined) return row.powerSource;
  return results.devices.find((device) => device.id === row.device)?.power?.source ?? null;
}

/** Whether the power figures of all rows, of some or of none are estimates and not measurements. */
export function estimated(results: Results): "all" | "some" | "none" {
  const withPower = results.rows.filter((row) => powerSourceOf(row, results) !== null);
  const estimates = withPower.filter((row) => hasEstimatedPower(row, results));
  if (estimates.length === 0) return "none";
  return estimates.length === withPower.length ? "all" : "some";
}

export function hasEstimatedPower(row: ResultRow, results: Pick<Results, "devices">): boolean {
  const source = powerSourceOf(row, results);
  return source !== null && isModelled(source);
}

export function hasEstimatedEnergy({ energy }: Layers): boolean {
  return energy.source !== null && isModelled(energy.source);
}

/** The models behind the figures of a document that are marked as estimates; `undefined` where none are. */
export function estimateText(sources: readonly (PowerSource | null)[]): string | undefined {
  const models = [...new Set(sources)].flatMap((source) =>
    source !== null && isModelled(source) ? [describeSource(source)] : [],
  );
  if (models.length === 0) return undefined;
  return (
    `Power and energy marked as estimate come from a model, not from a meter (${models.join("; ")}); ` +
    "their ± covers repetition only, not the model's error."
  );
}
