import { VizOrientation } from "@grafana/grafana-foundation-sdk/common";
import { PanelBuilder as BarPanel } from "@grafana/grafana-foundation-sdk/barchart";
import type { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { CHOSEN_POLICY, chosen, equals, fieldOf, influxql } from "../queries/influxql.ts";
import { columnLook, type Shown } from "../results/columns.ts";
import { figuresTable } from "../results/rows-table.ts";
import { ordered, sortedBy } from "../model/transformations.ts";

const { layer } = MEASUREMENTS;

const TAGS = layer.tags.map(({ name }) => name);
const CHOSEN = [chosen(layer, "device"), chosen(layer, "model")];

const COLUMNS: readonly Shown[] = [
  ["device", "Device"],
  ["model", "Model"],
  ["precision", "Precision"],
  ["index", "#"],
  ["layer", "Layer"],
  ["time_pct", "Time"],
  ["energy_pct", "Energy, apportioned by time"],
  ["weights_pct", "Weights"],
  ["sqnr_db", "SQNR"],
  ["accuracy_drop_pt", "Accuracy drop"],
];

/** The newest figures of each layer; a job that measures layers is none of a benchmark, so the chosen run does not matter. */
function newestLayers(fields: readonly string[], where: readonly string[]): InfluxQuery {
  const query = influxql({
    from: layer,
    policy: CHOSEN_POLICY,
    select: [{ field: "index", call: "last", as: "index" }, ...fields.map((field) => ({ field }))],
    where,
    groupBy: TAGS,
  });
  return InfluxQuery.table("A", query);
}

/** Layers beside each other in the order of the model, as int8: of fp32 only time and energy are measured. */
export function layerBars(frame: Frame, ...fields: readonly string[]): BarPanel {
  const bars = framed(new BarPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(layer, fields[0] ?? "").unit])
    .noValue("no layers have been measured")
    .orientation(VizOrientation.Vertical)
    .xField("layer")
    .xTickLabelRotation(-45)
    .xTickLabelMaxLength(24)
    .legend(legendWith())
    .withTarget(newestLayers(fields, [...CHOSEN, equals(layer, "precision", "int8")]))
    .withTransformation(sortedBy("index"))
    .withTransformation(ordered(["layer", ...fields], ["Time", "index", ...TAGS.filter((name) => name !== "layer")]));
  const shown = COLUMNS.filter(([name]) => name === "layer" || fields.includes(name));
  for (const column of shown) bars.overrideByName(column[0], columnLook(column, layer));
  return bars;
}

export function layersTable(frame: Frame): TablePanel {
  const names = COLUMNS.map(([name]) => name);
  const fields = names.filter((name) => name !== "index" && !TAGS.includes(name));
  const table = figuresTable(frame)
    .noValue("no layers have been measured")
    .withTarget(newestLayers(fields, [...CHOSEN, chosen(layer, "precision")]))
    .withTransformation(sortedBy("index"))
    .withTransformation(ordered(names, ["Time"]));
  for (const column of COLUMNS) table.overrideByName(column[0], columnLook(column, layer));
  return table;
}
