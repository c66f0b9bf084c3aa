import type { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { MEASUREMENTS } from "@edgewatt/protocol";
import type { Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { equals, fieldOf } from "../queries/influxql.ts";
import { ordered, computed, MERGED, where } from "../model/transformations.ts";
import { columnLook, WHOSE, type Shown } from "./columns.ts";
import { figuresTable } from "./rows-table.ts";
import { newestOf } from "./rows.ts";

const { runSummary } = MEASUREMENTS;

export interface Comparison {
  readonly field: string;
  /** Columns of the row that both precisions must share to be compared, beside device, model and pruning fraction. */
  readonly shared: readonly string[];
  readonly head: string;
  readonly unit: string;
  readonly of: readonly [left: "fp32" | "int8", operator: "-" | "/", right: "fp32" | "int8"];
}

export const SPEED_UP: Comparison = {
  field: "latency_ms",
  shared: [],
  head: "Speed-up",
  unit: "suffix:×",
  of: ["fp32", "/", "int8"],
};

/** An estimate is not compared with a measurement. */
export const ENERGY_RATIO: Comparison = {
  field: "energy_gross_mj",
  shared: ["power_source"],
  head: "int8 ÷ fp32",
  unit: "percentunit",
  of: ["int8", "/", "fp32"],
};

export const ACCURACY_DIFFERENCE: Comparison = {
  field: "accuracy_pct",
  shared: [],
  head: "int8 − fp32",
  unit: GRAFANA_UNIT.pt,
  of: ["int8", "-", "fp32"],
};

/** fp32 beside int8, a row per device and model that have both: what is missing is left out, since Grafana counts it as 0. */
export function pairsTable(frame: Frame, comparison: Comparison, rows: readonly string[]): TablePanel {
  const { field, shared, head, unit, of } = comparison;
  const beside: readonly Shown[] = [
    ["pruning_fraction", "Pruning fraction"],
    ...shared.map((name): Shown => [name, "Power source"]),
  ];
  const table = figuresTable(frame)
    .withTransformation(ordered([], ["Time", "precision", "pruning"]))
    .withTransformation(MERGED)
    .withTransformation(where({ column: "fp32", is: "isNotNull" }, { column: "int8", is: "isNotNull" }))
    .withTransformation(computed(head, ...of))
    .withTransformation(
      ordered([...WHOSE.map(([name]) => name), "pruning_fraction", "fp32", "int8", head, ...shared], []),
    );
  for (const [index, precision] of (["fp32", "int8"] as const).entries()) {
    const query = newestOf(
      { field, as: precision },
      beside.map(([name]) => ({ field: name })),
      [...rows, equals(runSummary, "precision", precision)],
    );
    table
      .withTarget(InfluxQuery.table(String.fromCodePoint("A".codePointAt(0)! + index), query))
      .overrideByName(precision, [{ id: "unit", value: GRAFANA_UNIT[fieldOf(runSummary, field).unit] }]);
  }
  for (const column of [...WHOSE, ...beside]) table.overrideByName(column[0], columnLook(column));
  return table.overrideByName(head, [
    { id: "unit", value: unit },
    { id: "decimals", value: 2 },
  ]);
}
