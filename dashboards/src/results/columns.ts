import type { DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import { MEASUREMENTS, type Measurement } from "@edgewatt/protocol";
import { ESTIMATED_SOURCES } from "../model/estimates.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { fieldOf } from "../queries/influxql.ts";

/** A column of a table: a tag or field, and its head. */
export type Shown = readonly [name: string, head: string];

const TAGS: ReadonlySet<string> = new Set(["device", "model", "precision", "layer"]);

export const isTag = (name: string): boolean => TAGS.has(name);

export const WHOSE: readonly Shown[] = [
  ["device", "Device"],
  ["model", "Model"],
];

/** The fixed columns of the results table, in their order. */
export const RESULT_COLUMNS: readonly Shown[] = [
  ["pruning_fraction", "Pruning fraction"],
  ["fine_tune_epochs", "Fine-tuning epochs"],
  ["params", "#params"],
  ["precision", "Precision"],
  ["file_size_mb", "File size"],
  ["max_memory_mb", "Max memory"],
  ["latency_ms", "Average latency per image"],
  ["latency_p50_ms", "p50"],
  ["latency_p95_ms", "p95"],
  ["latency_p99_ms", "p99"],
  ["max_power_w", "Max power"],
  ["energy_gross_mj", "Average energy per image, gross"],
  ["energy_gross_half_width_mj", "± gross (95 %)"],
  ["energy_net_mj", "Average energy per image, net"],
  ["energy_net_half_width_mj", "± net (95 %)"],
  ["accuracy_pct", "Test accuracy"],
  ["flags", "Flags"],
];

/** What explains a row beside its fixed columns. */
export const MORE_COLUMNS: readonly Shown[] = [
  ["power_source", "Power source"],
  ["latency_half_width_ms", "± latency (95 %)"],
  ["max_power_10ms_w", "Max power, 10 ms"],
  ["memory_model_mb", "Memory of the model"],
  ["energy_gross_meter_mj", "± gross, meter"],
  ["energy_net_meter_mj", "± net, meter"],
  ["run", "Run"],
];

const SPECIAL: Readonly<Record<string, readonly DynamicConfigValue[]>> = {
  power_source: [{ id: "mappings", value: ESTIMATED_SOURCES }],
  flags: [
    { id: "custom.cellOptions", value: { type: "auto", wrapText: true } },
    { id: "custom.width", value: 460 },
  ],
};

/** How a column of a measurement looks in a table: head, unit and what the catalogue says of it. */
export function columnLook(
  [name, head]: Shown,
  measurement: Measurement = MEASUREMENTS.runSummary,
): DynamicConfigValue[] {
  const displayName = { id: "displayName", value: head };
  if (isTag(name)) return [displayName];
  const { unit, description } = fieldOf(measurement, name);
  return [
    displayName,
    { id: "unit", value: GRAFANA_UNIT[unit] },
    { id: "description", value: description },
    ...(SPECIAL[name] ?? []),
  ];
}
