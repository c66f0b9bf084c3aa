import { PanelBuilder as HistogramPanel } from "@grafana/grafana-foundation-sdk/histogram";
import type { PanelBuilder as TablePanel } from "@grafana/grafana-foundation-sdk/table";
import { PanelBuilder as GraphPanel } from "@grafana/grafana-foundation-sdk/timeseries";
import { MEASUREMENTS } from "@edgewatt/protocol";
import { framed, legendWith, type Frame } from "../model/panel.ts";
import { GRAFANA_UNIT } from "../model/units.ts";
import { InfluxQuery } from "../queries/influx-target.ts";
import { chosen, fieldOf, influxql, ofChosenRun, type Selection } from "../queries/influxql.ts";
import { columnLook, type Shown } from "../results/columns.ts";
import { figuresTable } from "../results/rows-table.ts";
import { ordered } from "../model/transformations.ts";

const { inference } = MEASUREMENTS;

const FIELD = "latency_ms";
const MILLISECONDS = GRAFANA_UNIT[fieldOf(inference, FIELD).unit];

const ROW = ["device", "model", "precision"];
const CHOSEN = [...ROW.map((tag) => chosen(inference, tag)), ofChosenRun(inference)];

/** Inferences of each row that the histogram draws by lot: enough for its shape, and few enough for a browser. */
const DRAWN = 2000;

const PERCENTILES: readonly (Selection & { readonly as: string })[] = [
  { field: FIELD, call: "median", as: "p50" },
  { field: FIELD, call: "p95", as: "p95" },
  { field: FIELD, call: "p99", as: "p99" },
];

/** Always of points as they were measured: percentiles do not come out of means. */
function latencies(select: readonly Selection[], perInterval: boolean): string {
  return influxql({ from: inference, select, where: CHOSEN, groupBy: ROW, perInterval });
}

export function latencyTable(frame: Frame): TablePanel {
  const heads: readonly Shown[] = [
    ["device", "Device"],
    ["model", "Model"],
    ["precision", "Precision"],
  ];
  const figures = [...PERCENTILES, { field: FIELD, call: "max", as: "max" } as const];
  const count = { field: FIELD, call: "count", as: "n" } as const;
  const table = figuresTable(frame)
    .noValue("no inferences as measured in this time range")
    .withTarget(InfluxQuery.table("A", latencies([...figures, count], false)))
    // Of aggregates the time is no time of anything.
    .withTransformation(ordered([...ROW, ...figures.map(({ as }) => as), "n"], ["Time"]))
    .overrideByName("n", [
      { id: "displayName", value: "Inferences" },
      { id: "unit", value: GRAFANA_UNIT.points },
    ]);
  for (const column of heads) table.overrideByName(column[0], columnLook(column));
  for (const { as } of figures) table.overrideByName(as, [{ id: "unit", value: MILLISECONDS }]);
  return table;
}

export function latencyGraph(frame: Frame): GraphPanel {
  const graph = framed(new GraphPanel(), frame)
    .unit(MILLISECONDS)
    .min(0)
    .noValue("no inferences as measured in this time range")
    .legend(legendWith("min", "max"));
  for (const [index, { as, ...percentile }] of PERCENTILES.entries()) {
    const refId = String.fromCodePoint("A".codePointAt(0)! + index);
    graph.withTarget(
      InfluxQuery.series(refId, latencies([percentile], true), `$tag_device $tag_model $tag_precision ${as}`),
    );
  }
  return graph;
}

export function latencyHistogram(frame: Frame): HistogramPanel {
  return framed(new HistogramPanel(), frame)
    .unit(MILLISECONDS)
    .noValue("no inferences as measured in this time range")
    .legend(legendWith())
    .withTarget(
      InfluxQuery.series(
        "A",
        latencies([{ field: FIELD, call: `sample${DRAWN}` }], false),
        "$tag_device $tag_model $tag_precision",
      ),
    );
}
