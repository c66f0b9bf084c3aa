import type { Dashboard, DynamicConfigValue } from "@grafana/grafana-foundation-sdk/dashboard";
import { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import {
  PanelBuilder as ScatterPanel,
  SeriesMapping,
  XYSeriesConfigBuilder,
} from "@grafana/grafana-foundation-sdk/xychart";
import { MEASUREMENTS, MODELLED_SOURCES } from "@edgewatt/protocol";
import { buildDashboard } from "../model/dashboard.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { framed, type Frame } from "../model/panel.ts";
import { chosen, equals, fieldOf, influxql, isNoneOf, isOneOf, ofChosenRun } from "../queries/influxql.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { datasourceVariable, runVariable, tagVariable } from "../variables/choices.ts";

const { runSummary } = MEASUREMENTS;

/** A row of the study: the newest run of a model in a precision on a device. */
const ROW = ["device", "model", "precision", "pruning"];
const CHOSEN = [
  chosen(runSummary, "device"),
  chosen(runSummary, "model"),
  chosen(runSummary, "precision"),
  ofChosenRun(runSummary),
];

/** The field that chooses a row's newest run; the others are of the same point, so that no row mixes two runs. */
const NEWEST_BY = "latency_ms";

/** The fixed columns of the results table, and what explains them, with their heads. */
const COLUMNS: readonly (readonly [field: string, head: string])[] = [
  ["pruning_fraction", "Pruned"],
  ["fine_tune_epochs", "Fine-tuning epochs"],
  ["params", "#params"],
  ["file_size_mb", "File size"],
  ["max_memory_mb", "Max memory"],
  ["memory_model_mb", "Memory of the model"],
  ["latency_ms", "Latency"],
  ["latency_p50_ms", "p50"],
  ["latency_p95_ms", "p95"],
  ["latency_p99_ms", "p99"],
  ["max_power_w", "Max power"],
  ["max_power_10ms_w", "Max power, 10 ms"],
  ["energy_gross_mj", "Energy gross"],
  ["energy_gross_half_width_mj", "± gross"],
  ["energy_gross_meter_mj", "± gross, meter"],
  ["energy_net_mj", "Energy net"],
  ["energy_net_half_width_mj", "± net"],
  ["energy_net_meter_mj", "± net, meter"],
  ["power_source", "Power source"],
  ["accuracy_pct", "Accuracy"],
  ["flags", "Flags"],
  ["run", "Run"],
];

function columnLook(field: string, head: string): DynamicConfigValue[] {
  const { unit, description } = fieldOf(runSummary, field);
  return [
    { id: "displayName", value: head },
    { id: "unit", value: GRAFANA_UNIT[unit] },
    { id: "description", value: description },
  ];
}

function resultsTable(frame: Frame): TablePanel {
  const query = influxql({
    from: runSummary,
    select: COLUMNS.map(([field]) => (field === NEWEST_BY ? { field, call: "last", as: field } : { field })),
    where: CHOSEN,
    groupBy: ROW,
  });
  const order = ["model", "precision", "device", ...COLUMNS.map(([field]) => field)];
  const table = framed(new TablePanel(), frame)
    .unit(GRAFANA_UNIT.text)
    .filterable(true)
    .withTarget(InfluxQuery.table("A", query))
    // The tag repeats the numeric field, and the columns come in no fixed order.
    .withTransformation({
      id: "organize",
      options: {
        excludeByName: { Time: true, pruning: true },
        indexByName: Object.fromEntries(order.map((name, index) => [name, index])),
        renameByName: {},
      },
    });
  for (const [field, head] of COLUMNS) table.overrideByName(field, columnLook(field, head));
  return table;
}

interface Series {
  readonly name: string;
  readonly where: readonly string[];
}

const BY_PRECISION: readonly Series[] = ["fp32", "int8"].map((precision) => ({
  name: precision,
  where: [equals(runSummary, "precision", precision)],
}));

/** Estimated energy has a series of its own, so that it is never taken for a measurement. */
const BY_PRECISION_AND_METER: readonly Series[] = BY_PRECISION.flatMap(({ name, where }) => [
  { name, where: [...where, isNoneOf(runSummary, "power_source", MODELLED_SOURCES)] },
  { name: `${name} (estimate)`, where: [...where, isOneOf(runSummary, "power_source", MODELLED_SOURCES)] },
]);

/** The chosen rows as points, one table and one series each: a series finds its column by its own name. */
function scatter(frame: Frame, x: string, y: string, series: readonly Series[]): ScatterPanel {
  const named = (options: string) => ({ matcher: { id: "byName", options } });
  const panel = framed(new ScatterPanel(), frame)
    .unit(GRAFANA_UNIT[fieldOf(runSummary, y).unit])
    .pointSize({ fixed: 8 })
    .axisLabel(fieldOf(runSummary, y).description)
    .overrideByName(x, [
      { id: "unit", value: GRAFANA_UNIT[fieldOf(runSummary, x).unit] },
      { id: "custom.axisLabel", value: fieldOf(runSummary, x).description },
    ])
    .mapping(SeriesMapping.Manual)
    .series(series.map(({ name }) => new XYSeriesConfigBuilder().name({ fixed: name }).x(named(x)).y(named(name))));
  for (const [index, { name, where }] of series.entries()) {
    const query = influxql({
      from: runSummary,
      select: [{ field: y, call: "last", as: name }, { field: x }],
      where: [...CHOSEN, ...where],
      groupBy: ROW,
    });
    panel.withTarget(InfluxQuery.table(String.fromCodePoint("A".codePointAt(0)! + index), query));
  }
  return panel;
}

/** What pruning and quantization cost and save. */
export function study(): Dashboard {
  return buildDashboard({
    uid: "edgewatt-study",
    title: "Study",
    description:
      "The results table, and latency, accuracy and energy against pruning and model size; the newest run of each row",
    from: "now-30d",
    refresh: "30s",
    variables: [
      datasourceVariable(),
      tagVariable(runSummary, "device"),
      tagVariable(runSummary, "model"),
      tagVariable(runSummary, "precision"),
      runVariable(runSummary),
    ],
    panels: [
      resultsTable({
        id: 1,
        title: "Results",
        description: `Newest run per device, model and precision. Energies are per image; the power sources ${MODELLED_SOURCES.join(" and ")} are models, no meters`,
        at: [0, 0, 24, 13],
      }),
      scatter(
        { id: 2, title: "Latency against pruning", description: "Mean latency per image", at: [0, 13, 8, 10] },
        "pruning_fraction",
        "latency_ms",
        BY_PRECISION,
      ),
      scatter(
        {
          id: 3,
          title: "Accuracy against pruning",
          description: "Top-1 accuracy on the test images",
          at: [8, 13, 8, 10],
        },
        "pruning_fraction",
        "accuracy_pct",
        BY_PRECISION,
      ),
      scatter(
        {
          id: 4,
          title: "Energy against pruning",
          description: "Net energy per image, estimates apart from measurements",
          at: [16, 13, 8, 10],
        },
        "pruning_fraction",
        "energy_net_mj",
        BY_PRECISION_AND_METER,
      ),
      scatter(
        {
          id: 5,
          title: "Accuracy against #params",
          description: "Top-1 accuracy and the size of the float model",
          at: [0, 23, 24, 10],
        },
        "params",
        "accuracy_pct",
        BY_PRECISION,
      ),
    ],
  });
}
